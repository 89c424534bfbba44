import { createHash } from 'node:crypto';

/** A Merkle tree that only grows (RFC 6962 §2.1), with the hashes of all complete subtrees at hand. */
export class MerkleTree {
  /** `#levels[k][n]` is the hash of the leaves from n·2^k to (n+1)·2^k. */
  readonly #levels: Buffer[][] = [[]];

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  append(leaf: Buffer): number {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const row = (this.#levels[level] ??= []);
      row.push(hash);
      if (row.length % 2 === 1) break;
      hash = hashNode(row.at(-2) ?? hash, hash);
    }
    return this.size - 1;
  }

  root(): Buffer {
    return this.size === 0 ? createHash('sha256').digest() : this.#hashRange(0, this.size);
  }

  /** The hashes that lead from a leaf to the root, from the bottom up. */
  proof(index: number): Buffer[] {
    const path: Buffer[] = [];
    let [start, end] = [0, this.size];
    while (end - start > 1) {
      const middle = start + splitOf(end - start);
      const isLeft = index < middle;
      path.unshift(isLeft ? this.#hashRange(middle, end) : this.#hashRange(start, middle));
      [start, end] = isLeft ? [start, middle] : [middle, end];
    }
    return path;
  }

  #hashRange(start: number, end: number): Buffer {
    const size = end - start;
    const level = Math.log2(size);
    const known = Number.isInteger(level) ? this.#levels[level]?.[start / size] : undefined;
    if (known !== undefined) return known;
    const middle = start + splitOf(size);
    return hashNode(this.#hashRange(start, middle), this.#hashRange(middle, end));
  }
}

export function hashLeaf(body: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(0)).update(body).digest();
}

export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();
}

export interface InclusionProof {
  readonly index: number;
  readonly treeSize: number;
  readonly hashes: readonly Uint8Array[];
}

/** The root that a proof leads to, or undefined when it cannot be a proof (RFC 9162 §2.1.3.2). */
export function rootOfProof(leaf: Buffer, proof: InclusionProof): Buffer | undefined {
  if (proof.index < 0 || proof.index >= proof.treeSize) return undefined;
  let [node, last] = [BigInt(proof.index), BigInt(proof.treeSize - 1)];
  let root = leaf;
  for (const hash of proof.hashes) {
    if (last === 0n || hash.length !== 32) return undefined;
    if ((node & 1n) === 1n || node === last) {
      root = hashNode(hash, root);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      root = hashNode(root, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? root : undefined;
}

/** The largest power of two below the size. */
function splitOf(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}

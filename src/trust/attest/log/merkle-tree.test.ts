import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashLeaf, hashNode, MerkleTree, rootOfProof } from './merkle-tree.ts';

const leaves = Array.from({ length: 70 }, (_, n) => hashLeaf(Buffer.from(`leaf ${n}`)));

/** The definition of RFC 6962 §2.1, word by word. */
function naiveRoot(from: readonly Buffer[]): Buffer {
  if (from.length === 0) return createHash('sha256').digest();
  if (from.length === 1) return from[0] ?? Buffer.alloc(0);
  let split = 1;
  while (split * 2 < from.length) split *= 2;
  return hashNode(naiveRoot(from.slice(0, split)), naiveRoot(from.slice(split)));
}

describe('a Merkle tree', () => {
  it('has the root that the RFC defines, at every size', () => {
    const tree = new MerkleTree();
    for (let size = 0; size <= leaves.length; size++) {
      expect(tree.root().equals(naiveRoot(leaves.slice(0, size)))).toBe(true);
      const leaf = leaves[size];
      if (leaf !== undefined) tree.append(leaf);
    }
  });

  it('proves every leaf at every size, and nothing else', () => {
    const tree = new MerkleTree();
    for (const [last, leaf] of leaves.entries()) {
      tree.append(leaf);
      for (let index = 0; index <= last; index++) {
        const proof = { index, treeSize: tree.size, hashes: tree.proof(index) };
        expect(rootOfProof(leaves[index] as Buffer, proof)?.equals(tree.root())).toBe(true);
        const other = (index + 1) % tree.size;
        if (tree.size > 1) {
          expect(rootOfProof(leaves[other] as Buffer, proof)?.equals(tree.root())).toBe(false);
          expect(
            rootOfProof(leaves[index] as Buffer, { ...proof, index: other })?.equals(tree.root()) ?? false,
          ).toBe(false);
        }
      }
    }
  });

  it('takes no proof that is too long, too short or outside of the tree', () => {
    const tree = new MerkleTree();
    for (const leaf of leaves.slice(0, 13)) tree.append(leaf);
    const [leaf = Buffer.alloc(0)] = leaves;
    const hashes = tree.proof(0);
    expect(rootOfProof(leaf, { index: 0, treeSize: 13, hashes: [...hashes, leaf] })).toBeUndefined();
    expect(rootOfProof(leaf, { index: 0, treeSize: 13, hashes: hashes.slice(1) })).toBeUndefined();
    expect(rootOfProof(leaf, { index: 13, treeSize: 13, hashes })).toBeUndefined();
    expect(rootOfProof(leaf, { index: 0, treeSize: 0, hashes: [] })).toBeUndefined();
  });
});

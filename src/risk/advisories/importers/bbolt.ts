import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Fault } from '../../../ground/fault/fault.ts';

const magic = 0xed0cdaed;
const flags = { branch: 1, leaf: 2 } as const;
const bucketFlag = 1;
const pageHeader = 16;
const deepest = 64;
const largestPage = 64 * 1024 * 1024;

/** A place in the file that holds keys: a tree of pages, or one page inside a value. */
export interface Bucket {
  readonly root: number;
  readonly inline?: Buffer;
}

export type Entry =
  | { readonly key: string; readonly value: Buffer }
  | { readonly key: string; readonly bucket: Bucket };

/** Reads a bbolt file without writing or locking it. Every offset is checked; a circle of pages ends at its depth. */
export class BoltFile {
  readonly root: Bucket;
  readonly #fd: number;
  readonly #size: number;
  readonly #pageSize: number;
  readonly #where: string;

  constructor(path: string) {
    this.#where = path;
    this.#fd = openSync(path, 'r');
    try {
      this.#size = fstatSync(this.#fd).size;
      const meta = this.#findMeta();
      this.#pageSize = meta.pageSize;
      this.root = { root: meta.root };
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Keys in order. A page that was visited before in the same bucket is a circle. */
  *entries(bucket: Bucket): Generator<Entry> {
    if (bucket.inline !== undefined) yield* this.#leaf(bucket.inline);
    else yield* this.#walk(bucket.root, 0, new Set());
  }

  *#walk(page: number, depth: number, seen: Set<number>): Generator<Entry> {
    if (seen.has(page) || depth > deepest) throw this.#damaged(`page ${page} leads in a circle`);
    seen.add(page);
    const bytes = this.#page(page);
    const kind = bytes.readUInt16LE(8);
    if ((kind & flags.leaf) !== 0) {
      yield* this.#leaf(bytes);
      return;
    }
    if ((kind & flags.branch) === 0) throw this.#damaged(`page ${page} is neither branch nor leaf`);
    const count = bytes.readUInt16LE(10);
    for (let at = 0; at < count; at++) {
      const element = pageHeader + at * 16;
      this.#check(bytes, element, 16);
      yield* this.#walk(this.#number(bytes.readBigUInt64LE(element + 8)), depth + 1, seen);
    }
  }

  *#leaf(bytes: Buffer): Generator<Entry> {
    this.#check(bytes, 0, pageHeader);
    const count = bytes.readUInt16LE(10);
    for (let at = 0; at < count; at++) {
      const element = pageHeader + at * 16;
      this.#check(bytes, element, 16);
      const start = element + bytes.readUInt32LE(element + 4);
      const [keySize, valueSize] = [bytes.readUInt32LE(element + 8), bytes.readUInt32LE(element + 12)];
      this.#check(bytes, start, keySize + valueSize);
      const key = bytes.toString('utf8', start, start + keySize);
      const value = bytes.subarray(start + keySize, start + keySize + valueSize);
      const isBucket = (bytes.readUInt32LE(element) & bucketFlag) !== 0;
      yield isBucket ? { key, bucket: this.#bucket(value) } : { key, value };
    }
  }

  #bucket(value: Buffer): Bucket {
    this.#check(value, 0, 16);
    const root = this.#number(value.readBigUInt64LE(0));
    return root === 0 ? { root, inline: value.subarray(16) } : { root };
  }

  #page(page: number): Buffer {
    const at = page * this.#pageSize;
    if (at + this.#pageSize > this.#size) throw this.#damaged(`page ${page} lies behind the end`);
    const first = this.#read(at, this.#pageSize);
    const overflow = first.readUInt32LE(12);
    if (overflow === 0) return first;
    const length = (1 + overflow) * this.#pageSize;
    if (length > largestPage || at + length > this.#size)
      throw this.#damaged(`page ${page} runs over the end`);
    return this.#read(at, length);
  }

  /** Of the two metas the newer one that is whole; the page size stands in it. */
  #findMeta(): { pageSize: number; root: number } {
    const candidates = [0, 4096, 16_384, 8192, 65_536].flatMap(at => this.#meta(at));
    const first = candidates[0];
    if (first === undefined) throw this.#damaged('no valid meta page');
    const second = this.#meta(first.pageSize);
    return [...candidates, ...second].reduce((best, meta) =>
      meta.transaction > best.transaction ? meta : best,
    );
  }

  #meta(at: number): { pageSize: number; root: number; transaction: bigint }[] {
    if (at + 80 > this.#size) return [];
    const bytes = this.#read(at, 80).subarray(pageHeader);
    if (bytes.readUInt32LE(0) !== magic || bytes.readUInt32LE(4) !== 2) return [];
    if (bytes.readBigUInt64LE(56) !== checksum(bytes.subarray(0, 56))) return [];
    const pageSize = bytes.readUInt32LE(8);
    if (pageSize < 512 || pageSize > 1024 * 1024 || (pageSize & (pageSize - 1)) !== 0) return [];
    return [
      { pageSize, root: this.#number(bytes.readBigUInt64LE(16)), transaction: bytes.readBigUInt64LE(48) },
    ];
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(this.#fd, bytes, 0, length, at) !== length) throw this.#damaged('the file ends too early');
    return bytes;
  }

  #number(value: bigint): number {
    if (value > BigInt(2 ** 40)) throw this.#damaged(`a page number of ${value}`);
    return Number(value);
  }

  #check(bytes: Buffer, at: number, length: number): void {
    if (at + length > bytes.length) throw this.#damaged('an entry runs over its page');
  }

  #damaged(actual: string): Fault {
    return new Fault('FILE_INVALID', { what: 'the database file is damaged', where: this.#where, actual });
  }
}

/** FNV-1a, 64 bits. */
function checksum(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}

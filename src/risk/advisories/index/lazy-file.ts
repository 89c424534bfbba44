import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damaged } from './layout.ts';

const blockSize = 64 * 1024;

/** Bytes that are there when they are asked for. */
export interface LazyBytes {
  readonly bytes: Buffer;
  /** Makes sure of a stretch; gives the end of what is there behind it, so that readers need not ask for each byte. */
  need(at: number, end: number): number;
  close(): void;
}

/** A file in memory, block by block as it is used: one image needs a hundredth of an index, and a fleet needs all of it. */
export class LazyFile implements LazyBytes {
  readonly bytes: Buffer;
  readonly size: number;
  readonly #file: number;
  readonly #where: string;
  readonly #loaded: Uint8Array;

  constructor(path: string, largest: number) {
    this.#where = path;
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
    if (this.size > largest) {
      closeSync(this.#file);
      throw damaged(path, `${this.size} bytes`);
    }
    // Not one page of it exists before it is written to.
    this.bytes = Buffer.allocUnsafeSlow(this.size);
    this.#loaded = new Uint8Array(Math.ceil(this.size / blockSize));
  }

  need(at: number, end: number): number {
    if (at < 0 || end > this.size) throw damaged(this.#where, 'a place behind its end');
    const last = Math.max(0, Math.ceil(end / blockSize) - 1);
    for (let block = Math.floor(at / blockSize); block <= last; block++) {
      if (this.#loaded[block] === 0) this.#load(block);
    }
    return Math.min(this.size, (last + 1) * blockSize);
  }

  close(): void {
    closeSync(this.#file);
  }

  #load(block: number): void {
    const at = block * blockSize;
    const length = Math.min(blockSize, this.size - at);
    for (let done = 0; done < length; ) {
      const read = readSync(this.#file, this.bytes, at + done, length - done, at + done);
      if (read === 0) throw damaged(this.#where, 'it became shorter while it was read');
      done += read;
    }
    this.#loaded[block] = 1;
  }
}

export function wholeBytes(bytes: Buffer): LazyBytes {
  return { bytes, need: () => bytes.length, close: () => undefined };
}

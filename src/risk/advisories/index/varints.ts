import type { LazyBytes } from './lazy-file.ts';

/** Numbers of up to 32 bits in as few bytes as they need, the low seven bits first. */
export class VarintWriter {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  write(value: number): void {
    if (this.#length + 5 > this.#bytes.length) this.#grow();
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  writeAll(values: readonly number[]): void {
    this.write(values.length);
    for (const value of values) this.write(value);
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads within its bounds only: at the end of its section it throws, whatever a number promised. */
export class VarintReader {
  readonly #source: LazyBytes;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Up to here the bytes are there. */
  #there: number;

  constructor(source: LazyBytes, at: number, end: number) {
    this.#source = source;
    this.#bytes = source.bytes;
    this.#at = at;
    this.#end = end;
    this.#there = at;
  }

  read(): number {
    const first = this.#byte();
    if (first < 128) return first;
    let value = first & 127;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new RangeError('a number is too long');
  }

  readAll(): number[] {
    const count = this.read();
    // Every number takes a byte: a longer list than the bytes that are left is a lie.
    if (count > this.#end - this.#at)
      throw new RangeError(`a list of ${count} in ${this.#end - this.#at} bytes`);
    const values: number[] = [];
    for (let at = 0; at < count; at++) values.push(this.read());
    return values;
  }

  #byte(): number {
    if (this.#at >= this.#there) {
      if (this.#at >= this.#end) throw new RangeError('a number runs over the end of its section');
      this.#there = Math.min(this.#end, this.#source.need(this.#at, this.#at + 1));
    }
    return this.#bytes[this.#at++] ?? 0;
  }
}

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
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  read(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) break;
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new RangeError('a number runs over the end of its section');
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
}

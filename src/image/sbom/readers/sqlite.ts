import { refuse } from './refuse.ts';

const interiorTable = 5;
const leafTable = 13;
const deepest = 24;
const mostRows = 500_000;
const largestPayload = 64 * 1024 * 1024;

export type SqliteValue = string | number | Buffer | null;

/** Reads whole tables of a database file that nobody writes to (SQLite, "Database File Format"). */
export class SqliteFile {
  readonly #file: Buffer;
  readonly #pageSize: number;
  readonly #usable: number;
  readonly #visited = new Set<number>();
  #read = 0;

  constructor(file: Buffer) {
    if (file.length < 100 || file.toString('latin1', 0, 16) !== 'SQLite format 3\0')
      throw refuse('no SQLite database');
    const told = file.readUInt16BE(16);
    this.#pageSize = told === 1 ? 65_536 : told;
    this.#usable = this.#pageSize - (file[20] ?? 0);
    const isPower = (this.#pageSize & (this.#pageSize - 1)) === 0;
    if (this.#pageSize < 512 || !isPower || this.#usable < 480)
      throw refuse('a SQLite database with odd pages');
    this.#file = file;
  }

  /** The rows of a table, in the order of their keys; undefined when there is no such table. */
  rows(table: string): Generator<readonly SqliteValue[]> | undefined {
    this.#visited.clear();
    for (const [type, name, , root] of this.#walk(1, 0)) {
      if (type === 'table' && typeof name === 'string' && name.toLowerCase() === table.toLowerCase()) {
        if (typeof root !== 'number') throw refuse('a SQLite table without a place');
        this.#visited.clear();
        return this.#walk(root, 0);
      }
    }
    return undefined;
  }

  *#walk(number: number, depth: number): Generator<readonly SqliteValue[]> {
    if (depth > deepest) throw refuse('a SQLite table that is too deep');
    // Pages of a table are a tree: one that comes twice makes a circle.
    if (this.#visited.has(number)) throw refuse('a SQLite table with a circle');
    this.#visited.add(number);
    const page = this.#page(number);
    const start = number === 1 ? 100 : 0;
    const type = page[start];
    const count = page.readUInt16BE(start + 3);
    if (count > mostRows) throw refuse('a SQLite table with too many rows');
    const cells = start + (type === interiorTable ? 12 : 8);
    if (type !== interiorTable && type !== leafTable) throw refuse('a SQLite page of the wrong kind');
    if (cells + count * 2 > page.length) throw refuse('a SQLite page with too many cells');
    for (let index = 0; index < count; index++) {
      const cell = page.readUInt16BE(cells + index * 2);
      if (cell + 4 > page.length) throw refuse('a SQLite cell outside of its page');
      if (type === interiorTable) yield* this.#walk(page.readUInt32BE(cell), depth + 1);
      else yield readRecord(this.#payload(page, cell));
    }
    if (type === interiorTable) yield* this.#walk(page.readUInt32BE(start + 8), depth + 1);
  }

  #page(number: number): Buffer {
    const start = (number - 1) * this.#pageSize;
    const page = this.#file.subarray(start, start + this.#pageSize);
    if (number < 1 || page.length !== this.#pageSize) throw refuse('a SQLite page outside of the file');
    return page;
  }

  /** A row that does not fit in its page goes on in a chain of others. */
  #payload(page: Buffer, cell: number): Buffer {
    const [size, afterSize] = readVarint(page, cell);
    const [, start] = readVarint(page, afterSize);
    if (size > largestPayload || size > this.#file.length) throw refuse('a SQLite row that is too large');
    // Chains that share pages would make a small file endless.
    this.#read += size;
    if (this.#read > this.#file.length * 2) throw refuse('a SQLite table that is larger than its file');
    const local = this.#localSize(size);
    if (start + local > page.length) throw refuse('a SQLite row outside of its page');
    if (local === size) return page.subarray(start, start + size);
    const pieces = [page.subarray(start, start + local)];
    let left = size - local;
    let next = start + local + 4 <= page.length ? page.readUInt32BE(start + local) : 0;
    while (left > 0) {
      const overflow = this.#page(next);
      const piece = overflow.subarray(4, Math.min(this.#usable, 4 + left));
      pieces.push(piece);
      left -= piece.length;
      next = overflow.readUInt32BE(0);
    }
    return Buffer.concat(pieces);
  }

  #localSize(size: number): number {
    const most = this.#usable - 35;
    if (size <= most) return size;
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const rest = least + ((size - least) % (this.#usable - 4));
    return rest <= most ? rest : least;
  }
}

/** Record format: a header of types, then the values. */
function readRecord(payload: Buffer): SqliteValue[] {
  const [headerSize, first] = readVarint(payload, 0);
  if (headerSize > payload.length) throw refuse('a SQLite row with a wrong header');
  const values: SqliteValue[] = [];
  let at = headerSize;
  for (let place = first; place < headerSize; ) {
    const [type, next] = readVarint(payload, place);
    const length = lengthOf(type);
    if (at + length > payload.length) throw refuse('a SQLite row that was cut short');
    values.push(readValue(payload.subarray(at, at + length), type));
    at += length;
    place = next;
  }
  return values;
}

const fixedLengths = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function lengthOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  const length = fixedLengths[type];
  if (length === undefined) throw refuse('a SQLite value of a kind that is not known');
  return length;
}

function readValue(bytes: Buffer, type: number): SqliteValue {
  if (type === 0) return null;
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8 || type === 9) return type - 8;
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString('utf8');
  return bytes.length === 8 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
}

/** Seven bits a byte, most significant first; a ninth byte counts whole. */
function readVarint(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0;
  for (let at = start; at < start + 9; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw refuse('a SQLite number that was cut short');
    if (at === start + 8) value = value * 256 + byte;
    else value = value * 128 + (byte & 0x7f);
    if (byte < 0x80 || at === start + 8) return [value, at + 1];
  }
  throw refuse('a SQLite number that was cut short');
}

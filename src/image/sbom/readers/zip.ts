import { inflateRawSync } from 'node:zlib';
import { refuse } from './refuse.ts';

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly packedSize: number;
  readonly method: number;
  readonly offset: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const mostEntries = 200_000;

/** The central directory of a zip (APPNOTE.TXT 4.3.12); the local headers in front of the content can lie. */
export function listZip(zip: Buffer): ZipEntry[] {
  const { start, count, shift } = findDirectory(zip);
  if (count > mostEntries) throw refuse('a zip with too many entries', String(count));
  const entries: ZipEntry[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + 46 > zip.length || zip.readUInt32LE(at) !== centralSignature)
      throw refuse('a zip whose directory is broken');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(field => zip.readUInt16LE(at + field));
    const nameEnd = at + 46 + (nameLength ?? 0);
    const extra = zip.subarray(nameEnd, nameEnd + (extraLength ?? 0));
    entries.push({
      name: zip.toString('utf8', at + 46, nameEnd),
      method: zip.readUInt16LE(at + 10),
      ...readSizes(zip, at, extra, shift),
    });
    at = nameEnd + (extraLength ?? 0) + (commentLength ?? 0);
  }
  return entries;
}

/** The content of one entry. It never becomes more than the limit, whatever the directory says. */
export function readZipEntry(zip: Buffer, entry: ZipEntry, limit: number): Buffer {
  const { offset, packedSize, method, name } = entry;
  if (entry.size > limit) throw refuse(`${name} in a zip is too large`, `${entry.size} bytes`);
  if (offset + 30 > zip.length || zip.readUInt32LE(offset) !== localSignature)
    throw refuse(`${name} is not where the zip says`);
  const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  if (start + packedSize > zip.length) throw refuse(`${name} in a zip was cut short`);
  const packed = zip.subarray(start, start + packedSize);
  if (method === 0) return packed.length > limit ? fail(name) : packed;
  if (method !== 8) throw refuse(`${name} in a zip is packed in a way that is not known`, String(method));
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, Math.min(limit, entry.size)) });
  } catch {
    return fail(name);
  }
}

function fail(name: string): never {
  throw refuse(`${name} in a zip cannot be unpacked, or is more than it says`);
}

interface Directory {
  readonly start: number;
  readonly count: number;
  /** How far everything lies behind where the zip says, because something was put in front (a starter script). */
  readonly shift: number;
}

function findDirectory(zip: Buffer): Directory {
  const end = findEnd(zip);
  if (end === -1) throw refuse('no zip: it has no directory');
  let [count, size, start] = [
    zip.readUInt16LE(end + 10),
    zip.readUInt32LE(end + 12),
    zip.readUInt32LE(end + 16),
  ];
  let directoryEnd = end;
  if (count === 0xffff || start === 0xffffffff || size === 0xffffffff) {
    const at = find64(zip, end);
    count = readLong(zip, at + 32);
    size = readLong(zip, at + 40);
    start = readLong(zip, at + 48);
    directoryEnd = at;
  }
  const shift = directoryEnd - size - start;
  if (shift < 0 || start + shift > zip.length) throw refuse('a zip whose directory lies outside of it');
  return { start: start + shift, count, shift };
}

/** The end record is the last thing in the file, but for a comment of up to 65,535 bytes. */
function findEnd(zip: Buffer): number {
  const last = Math.max(0, zip.length - 22 - 0xffff);
  for (let at = zip.length - 22; at >= last; at--) {
    if (zip[at] === 0x50 && zip.readUInt32LE(at) === endSignature) return at;
  }
  return -1;
}

function find64(zip: Buffer, end: number): number {
  const locator = end - 20;
  if (locator < 0 || zip.readUInt32LE(locator) !== locator64Signature)
    throw refuse('a zip whose end is broken');
  const at = readLong(zip, locator + 8);
  if (at + 56 > zip.length || zip.readUInt32LE(at) !== end64Signature)
    throw refuse('a zip whose end is broken');
  return at;
}

/** Sizes and place; what does not fit in 32 bits is in the zip64 field, in this order (APPNOTE.TXT 4.5.3). */
function readSizes(
  zip: Buffer,
  at: number,
  extra: Buffer,
  shift: number,
): Pick<ZipEntry, 'size' | 'packedSize' | 'offset'> {
  const [size = 0, packedSize = 0, offset = 0] = [24, 20, 42].map(field => zip.readUInt32LE(at + field));
  const long = size === 0xffffffff || packedSize === 0xffffffff || offset === 0xffffffff;
  const values = long ? readLongs(extra) : [];
  const take = (value: number): number => (value === 0xffffffff ? (values.shift() ?? value) : value);
  return { size: take(size), packedSize: take(packedSize), offset: take(offset) + shift };
}

function readLongs(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      const field = extra.subarray(at + 4, at + 4 + length);
      return Array.from({ length: Math.floor(field.length / 8) }, (_, index) => readLong(field, index * 8));
    }
    at += 4 + length;
  }
  return [];
}

function readLong(bytes: Buffer, at: number): number {
  if (at < 0 || at + 8 > bytes.length) throw refuse('a zip that was cut short');
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse('a zip with sizes that cannot be');
  return Number(value);
}

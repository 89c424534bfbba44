import { type FileHandle, open } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { Fault } from '../../../ground/fault/fault.ts';

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const mostEntries = 4_000_000;
const largestDirectory = 1024 * 1024 * 1024;

/** The files of an archive whose names are wanted, one after the other, each no larger than the limit (APPNOTE 6.3). */
export async function* readZip(
  path: string,
  o: { readonly wants: (name: string) => boolean; readonly largest: number; readonly signal?: AbortSignal },
): AsyncGenerator<{ readonly name: string; readonly bytes: Buffer }> {
  const file = await open(path, 'r');
  try {
    for (const entry of await readDirectory(file, path)) {
      o.signal?.throwIfAborted();
      if (!o.wants(entry.name)) continue;
      yield { name: entry.name, bytes: await readEntry(file, entry, o.largest, path) };
    }
  } finally {
    await file.close();
  }
}

async function readDirectory(file: FileHandle, path: string): Promise<readonly ZipEntry[]> {
  const { size: fileSize } = await file.stat();
  const tail = await readAt(file, Math.max(0, fileSize - 66_000), Math.min(fileSize, 66_000), path);
  const end = findEnd(tail);
  if (end === -1) throw invalid(path, 'no central directory');
  let [count, size, start] = [
    tail.readUInt16LE(end + 10),
    tail.readUInt32LE(end + 12),
    tail.readUInt32LE(end + 16),
  ];
  const locator = end - 20;
  if (locator >= 0 && tail.readUInt32LE(locator) === locator64Signature) {
    const at = toNumber(tail.readBigUInt64LE(locator + 8), path);
    const end64 = await readAt(file, at, 56, path);
    if (end64.readUInt32LE(0) !== end64Signature)
      throw invalid(path, 'no 64-bit directory where one is announced');
    count = toNumber(end64.readBigUInt64LE(32), path);
    size = toNumber(end64.readBigUInt64LE(40), path);
    start = toNumber(end64.readBigUInt64LE(48), path);
  }
  if (count > mostEntries || size > largestDirectory || start + size > fileSize) {
    throw invalid(path, `a directory of ${count} entries in ${size} bytes`);
  }
  return parseDirectory(await readAt(file, start, size, path), count, path);
}

function findEnd(tail: Buffer): number {
  for (let at = tail.length - 22; at >= 0; at--) if (tail.readUInt32LE(at) === endSignature) return at;
  return -1;
}

function parseDirectory(directory: Buffer, count: number, path: string): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== entrySignature) {
      throw invalid(path, `entry ${entries.length + 1} of ${count} is cut off`);
    }
    const [nameLength, extraLength] = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30)];
    const extraAt = at + 46 + nameLength;
    const extra = directory.subarray(extraAt, extraAt + extraLength);
    entries.push({
      name: directory.toString('utf8', at + 46, extraAt),
      method: directory.readUInt16LE(at + 10),
      ...readSizes(directory, at, extra, path),
    });
    at = extraAt + extraLength + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Sizes and place; those that do not fit 32 bits stand in the extra field 1, in this order. */
function readSizes(
  directory: Buffer,
  at: number,
  extra: Buffer,
  path: string,
): Pick<ZipEntry, 'size' | 'compressed' | 'offset'> {
  const plain = [
    directory.readUInt32LE(at + 24),
    directory.readUInt32LE(at + 20),
    directory.readUInt32LE(at + 42),
  ];
  if (!plain.includes(0xffffffff))
    return { size: plain[0] ?? 0, compressed: plain[1] ?? 0, offset: plain[2] ?? 0 };
  for (let field = 0; field + 4 <= extra.length; field += 4 + extra.readUInt16LE(field + 2)) {
    if (extra.readUInt16LE(field) !== 1) continue;
    let next = field + 4;
    const [size = 0, compressed = 0, offset = 0] = plain.map(value => {
      if (value !== 0xffffffff || next + 8 > extra.length) return value;
      next += 8;
      return toNumber(extra.readBigUInt64LE(next - 8), path);
    });
    return { size, compressed, offset };
  }
  throw invalid(path, 'an entry without its 64-bit sizes');
}

async function readEntry(file: FileHandle, entry: ZipEntry, largest: number, path: string): Promise<Buffer> {
  const where = `${path}!${entry.name.slice(0, 200)}`;
  if (entry.size > largest || entry.compressed > largest) throw tooLarge(where, largest);
  const local = await readAt(file, entry.offset, 30, path);
  if (local.readUInt32LE(0) !== localSignature) throw invalid(where, 'no entry where the directory says');
  const start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const bytes = await readAt(file, start, entry.compressed, path);
  if (entry.method === 0) return bytes;
  if (entry.method !== 8) throw invalid(where, `compression method ${entry.method}`);
  try {
    // The size that the directory claims is a claim: what comes out is bounded by our limit.
    return inflateRawSync(bytes, { maxOutputLength: largest });
  } catch (cause) {
    throw cause instanceof RangeError ? tooLarge(where, largest) : invalid(where, String(cause));
  }
}

async function readAt(file: FileHandle, at: number, length: number, path: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead !== length) throw invalid(path, 'the file ends too early');
  return bytes;
}

function toNumber(value: bigint, path: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(path, `a size of ${value}`);
  return Number(value);
}

function invalid(where: string, actual: string): Fault {
  return new Fault('FILE_INVALID', { what: 'the zip archive is damaged', where, actual });
}

function tooLarge(where: string, largest: number): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: 'a file in the zip archive is too large',
    where,
    expected: `at most ${largest} bytes`,
  });
}

import type { FileHandle } from 'node:fs/promises';
import { Fault } from '../../../ground/fault/fault.ts';

export interface TarEntry {
  readonly offset: number;
  readonly size: number;
  /** Where a link leads, inside the archive. */
  readonly link?: string;
}

const block = 512;
const mostEntries = 1_000_000;
const longestName = 1024 * 1024;

/** Where each file of an uncompressed tar is: only the headers are read, the content stays where it is. */
export async function indexTar(file: FileHandle, where: string): Promise<ReadonlyMap<string, TarEntry>> {
  const { size: end } = await file.stat();
  const entries = new Map<string, TarEntry>();
  let at = 0;
  let overrides: Overrides = {};
  for (let count = 0; at + block <= end; count++) {
    if (count > mostEntries) throw broken(where, `more than ${mostEntries} entries`);
    const header = await readAt(file, at, block, where);
    if (header.every(byte => byte === 0)) break;
    checkSum(header, where);
    const size = overrides.size ?? readNumber(header, 124, 12, where);
    const type = String.fromCharCode(header[156] ?? 0);
    const start = at + block;
    if (start + size > end) throw broken(where, 'an entry that is longer than the file');
    at = start + Math.ceil(size / block) * block;
    if (type === 'x' || type === 'L' || type === 'K') {
      if (size > longestName) throw broken(where, 'a name that is too long');
      overrides = { ...overrides, ...readExtension(type, await readAt(file, start, size, where)) };
      continue;
    }
    if (type === 'g') continue;
    const name = normalise(overrides.name ?? readName(header));
    const link = overrides.link ?? readText(header, 157, 100);
    overrides = {};
    if (type === '0' || type === '\0' || type === '7') entries.set(name, { offset: start, size });
    if (type === '1') entries.set(name, { offset: 0, size: 0, link: normalise(link) });
    if (type === '2') entries.set(name, { offset: 0, size: 0, link: joinInside(name, link) });
  }
  return entries;
}

/** Follows links inside the archive (old `docker save` links equal layers to each other). */
export function resolveEntry(entries: ReadonlyMap<string, TarEntry>, name: string): TarEntry | undefined {
  let entry = entries.get(normalise(name));
  for (let hops = 0; entry?.link !== undefined; hops++) {
    if (hops === 8) return undefined;
    entry = entries.get(entry.link);
  }
  return entry;
}

interface Overrides {
  readonly name?: string;
  readonly link?: string;
  readonly size?: number;
}

async function readAt(file: FileHandle, at: number, size: number, where: string): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, at);
  if (bytesRead !== size) throw broken(where, 'a file that was cut short');
  return buffer;
}

/** GNU long names and pax records (POSIX.1-2001, "pax Interchange Format"). */
function readExtension(type: string, bytes: Buffer): Overrides {
  if (type === 'L') return { name: readText(bytes, 0, bytes.length) };
  if (type === 'K') return { link: readText(bytes, 0, bytes.length) };
  let found: Overrides = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.subarray(at, space).toString('latin1'));
    if (space === -1 || !(length > space - at + 1)) break;
    const record = bytes.subarray(space + 1, at + length - 1).toString('utf8');
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') found = { ...found, name: value };
    if (key === 'linkpath') found = { ...found, link: value };
    if (key === 'size' && /^\d{1,15}$/.test(value)) found = { ...found, size: Number(value) };
    at += length;
  }
  return found;
}

function readName(header: Buffer): string {
  const name = readText(header, 0, 100);
  const isPosix = header.toString('latin1', 257, 262) === 'ustar';
  const prefix = isPosix && header[262] === 0 ? readText(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function readText(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
}

function readNumber(header: Buffer, start: number, length: number, where: string): number {
  const first = header[start] ?? 0;
  // GNU writes numbers that do not fit in octal as big-endian binary.
  if (first === 0x80) {
    const value = header.readBigUInt64BE(start + length - 8);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  }
  const text = header
    .toString('latin1', start, start + length)
    .replace(/[\0 ]+$/g, '')
    .trim();
  if (!/^[0-7]*$/.test(text)) throw broken(where, 'a header with a wrong number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function checkSum(header: Buffer, where: string): void {
  const told = readNumber(header, 148, 8, where);
  let sum = 8 * 0x20;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (sum !== told) throw broken(where, 'a header with a wrong checksum');
}

function normalise(name: string): string {
  return name
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');
}

function joinInside(name: string, link: string): string {
  const parts = link.startsWith('/') ? [] : name.split('/').slice(0, -1);
  for (const part of link.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function broken(where: string, actual: string): Fault {
  return new Fault('FILE_INVALID', {
    what: `${where} is not a tar archive that can be read`,
    where,
    expected: 'an uncompressed tar',
    actual,
  });
}

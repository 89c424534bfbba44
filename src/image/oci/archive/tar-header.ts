import type { Fault } from '../../../ground/fault/fault.ts';

export const tarBlock = 512;

/** One header of a tar, with the long names and sizes of the entries before it already applied. */
export interface TarHeader {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What an extension says about the entry that follows it. */
export interface TarOverrides {
  readonly name?: string;
  readonly link?: string;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Makes the fault of a reader out of what is wrong. */
export type Refuse = (actual: string) => Fault;

/** Undefined for a block of zeros, which ends an archive. */
export function parseTarHeader(
  header: Buffer,
  overrides: TarOverrides,
  refuse: Refuse,
): TarHeader | undefined {
  const end = header[0] === 0 && header.every(byte => byte === 0);
  if (end) return undefined;
  checkSum(header, refuse);
  const type = String.fromCharCode(header[156] ?? 0);
  return {
    type,
    name: overrides.name ?? readName(header),
    link: overrides.link ?? readText(header, 157, 100),
    size: overrides.size ?? readNumber(header, 124, 12, refuse),
    mode: readNumber(header, 100, 8, refuse),
    uid: overrides.uid ?? readNumber(header, 108, 8, refuse),
    gid: overrides.gid ?? readNumber(header, 116, 8, refuse),
  };
}

/** True for the entries that only say something about the one that follows. */
export function isTarExtension(type: string): boolean {
  return type === 'x' || type === 'L' || type === 'K';
}

/** GNU long names and pax records (POSIX.1-2001, "pax Interchange Format"). */
export function readTarExtension(type: string, bytes: Buffer): TarOverrides {
  if (type === 'L') return { name: readText(bytes, 0, bytes.length) };
  if (type === 'K') return { link: readText(bytes, 0, bytes.length) };
  let found: TarOverrides = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.subarray(at, space).toString('latin1'));
    if (space === -1 || !(length > space - at + 1)) break;
    const record = bytes.subarray(space + 1, at + length - 1).toString('utf8');
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') found = { ...found, name: value };
    if (key === 'linkpath') found = { ...found, link: value };
    if (isNumberKey(key) && /^\d{1,15}$/.test(value)) found = { ...found, [key]: Number(value) };
    at += length;
  }
  return found;
}

function isNumberKey(key: string): key is 'size' | 'uid' | 'gid' {
  return key === 'size' || key === 'uid' || key === 'gid';
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

function readNumber(header: Buffer, start: number, length: number, refuse: Refuse): number {
  const first = header[start] ?? 0;
  // GNU writes numbers that do not fit in octal as big-endian binary.
  if (first === 0x80) {
    const value = header.readBigUInt64BE(start + length - 8);
    const high = length > 8 && header.subarray(start + 1, start + length - 8).some(byte => byte !== 0);
    if (!high && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  }
  const text = header
    .toString('latin1', start, start + length)
    .replace(/[\0 ]+$/g, '')
    .trim();
  if (!/^[0-7]*$/.test(text)) throw refuse('a header with a wrong number');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function checkSum(header: Buffer, refuse: Refuse): void {
  const told = readNumber(header, 148, 8, refuse);
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at++) sum += header[at] ?? 0;
  for (let at = 156; at < tarBlock; at++) sum += header[at] ?? 0;
  if (sum !== told) throw refuse('a header with a wrong checksum');
}

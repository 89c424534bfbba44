import { Fault } from '../../../ground/fault/fault.ts';
import type { FixStatus } from '../../../model/finding.ts';

/**
 * The file: header, hash table, string offsets, vulnerability offsets, rows, vulnerabilities, string pool, description;
 * then the details, which are read only for what was found. Little-endian, sections padded to four bytes.
 */
export const magic = 0x56444231;
export const formatVersion = 1;
export const headerWords = 16;

/** Words of the header. */
export const words = {
  magic: 0,
  version: 1,
  capacity: 2,
  strings: 3,
  vulnerabilities: 4,
  rowsLength: 5,
  vulnerabilitiesLength: 6,
  poolLength: 7,
  descriptionLength: 8,
  detailsLength: 9,
  keys: 10,
} as const;

export interface Sections {
  readonly capacity: number;
  readonly strings: number;
  readonly vulnerabilities: number;
  readonly keys: number;
  readonly table: number;
  readonly stringOffsets: number;
  readonly vulnerabilityOffsets: number;
  readonly rows: number;
  readonly vulnerabilityRows: number;
  readonly pool: number;
  readonly poolLength: number;
  readonly description: number;
  readonly descriptionLength: number;
  /** Where the details begin: the end of what is held in memory. */
  readonly details: number;
  readonly detailsLength: number;
}

/** Reads the header; sections that do not fit the file's size are refused. */
export function readSections(header: Buffer, fileSize: number, where: string): Sections {
  if (header.length < headerWords * 4 || header.readUInt32LE(0) !== magic)
    throw damaged(where, 'another kind of file');
  const word = (at: number): number => header.readUInt32LE(at * 4);
  if (word(words.version) !== formatVersion) throw damaged(where, `format version ${word(words.version)}`);
  const capacity = word(words.capacity);
  if (capacity === 0 || (capacity & (capacity - 1)) !== 0)
    throw damaged(where, `a table of ${capacity} places`);
  const table = headerWords * 4;
  const stringOffsets = table + capacity * 8;
  const vulnerabilityOffsets = stringOffsets + (word(words.strings) + 1) * 4;
  const rows = vulnerabilityOffsets + word(words.vulnerabilities) * 4;
  const vulnerabilityRows = rows + padded(word(words.rowsLength));
  const pool = vulnerabilityRows + padded(word(words.vulnerabilitiesLength));
  const description = pool + padded(word(words.poolLength));
  const details = description + padded(word(words.descriptionLength));
  if (details + word(words.detailsLength) !== fileSize || word(words.keys) >= capacity) {
    throw damaged(where, `sections of ${details + word(words.detailsLength)} bytes in a file of ${fileSize}`);
  }
  return {
    capacity,
    strings: word(words.strings),
    vulnerabilities: word(words.vulnerabilities),
    keys: word(words.keys),
    table,
    stringOffsets,
    vulnerabilityOffsets,
    rows,
    vulnerabilityRows,
    pool,
    poolLength: word(words.poolLength),
    description,
    descriptionLength: word(words.descriptionLength),
    details,
    detailsLength: word(words.detailsLength),
  };
}

export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** FNV-1a over the bytes of the key; what hashes alike is told apart by comparing the keys. */
export function hashKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code > 127) return hashBytes(Buffer.from(key));
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return hash >>> 0;
}

function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

export const statuses: readonly FixStatus[] = [
  'unknown',
  'not_affected',
  'affected',
  'fixed',
  'under_investigation',
  'will_not_fix',
  'fix_deferred',
  'end_of_life',
];

export function damaged(where: string, actual: string): Fault {
  return new Fault('CONTENT_INVALID', {
    what: 'the advisory index is damaged',
    where,
    expected: 'an index that cg db import wrote',
    actual,
    next: 'cg db import, or cg db update',
  });
}

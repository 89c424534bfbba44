import type { FileHandle } from 'node:fs/promises';
import { Fault } from '../../../ground/fault/fault.ts';
import {
  isTarExtension,
  parseTarHeader,
  readTarExtension,
  type TarOverrides,
  tarBlock,
} from './tar-header.ts';

export interface TarEntry {
  readonly offset: number;
  readonly size: number;
  /** Where a link leads, inside the archive. */
  readonly link?: string;
}

const mostEntries = 1_000_000;
const longestName = 1024 * 1024;

/** Where each file of an uncompressed tar is: only the headers are read, the content stays where it is. */
export async function indexTar(file: FileHandle, where: string): Promise<ReadonlyMap<string, TarEntry>> {
  const { size: end } = await file.stat();
  const entries = new Map<string, TarEntry>();
  let at = 0;
  let overrides: TarOverrides = {};
  const refuse = (actual: string): Fault => broken(where, actual);
  for (let count = 0; at + tarBlock <= end; count++) {
    if (count > mostEntries) throw broken(where, `more than ${mostEntries} entries`);
    const header = parseTarHeader(await readAt(file, at, tarBlock, where), overrides, refuse);
    if (header === undefined) break;
    const { size, type } = header;
    const start = at + tarBlock;
    if (start + size > end) throw broken(where, 'an entry that is longer than the file');
    at = start + Math.ceil(size / tarBlock) * tarBlock;
    if (isTarExtension(type)) {
      if (size > longestName) throw broken(where, 'a name that is too long');
      overrides = { ...overrides, ...readTarExtension(type, await readAt(file, start, size, where)) };
      continue;
    }
    if (type === 'g') continue;
    const name = normalise(header.name);
    const { link } = header;
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

async function readAt(file: FileHandle, at: number, size: number, where: string): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, at);
  if (bytesRead !== size) throw broken(where, 'a file that was cut short');
  return buffer;
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

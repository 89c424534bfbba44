import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import type { AdvisorySink } from '../advisory.ts';
import { importOsvRecord } from './osv-record.ts';
import { readZip } from './zip-file.ts';

export interface Imported {
  readonly records: number;
  /** The newest date in the data; undefined when nothing in them has a date. */
  readonly newest?: string;
  readonly digest: string;
  readonly lineage: string;
  /** What could not be read; the first few, because a source is refused when there are many. */
  readonly problems: readonly string[];
}

interface Call {
  readonly signal?: AbortSignal;
}

const largestRecord = 16 * 1024 * 1024;
const deepest = 6;
/** One damaged record in a hundred is a damaged record; more is a damaged source. */
const tolerance = 0.01;

/** Reads a folder of OSV records, alone or as zips, and everything below it; or one zip. */
export async function importOsv(path: string, sink: AdvisorySink, o: Call = {}): Promise<Imported> {
  const isFolder = (await stat(path)).isDirectory();
  const records = isFolder ? readFolder(path, path, 0, o) : readArchive(path, path, o);
  const hash = createHash('sha256');
  const problems: string[] = [];
  let count = 0;
  let newest: string | undefined;
  for await (const { where, bytes } of records) {
    hash.update(`${where}\0${bytes.length}\0`).update(bytes);
    const outcome = readRecord(bytes, sink);
    count++;
    if ('problem' in outcome) problems.push(`${where}: ${outcome.problem}`);
    else if (outcome.modified !== undefined && isLater(outcome.modified, newest)) newest = outcome.modified;
  }
  if (count === 0) throw refuse(path, 'there is no OSV record in it');
  if (problems.length > Math.max(1, count * tolerance)) {
    throw refuse(path, `${problems.length} of ${count} records cannot be read; ${problems[0]}`);
  }
  return {
    records: count - problems.length,
    digest: `sha256:${hash.digest('hex')}`,
    lineage: 'osv.dev',
    problems: problems.slice(0, 20),
    ...(newest !== undefined && { newest: new Date(newest).toISOString() }),
  };
}

function readRecord(bytes: Buffer, sink: AdvisorySink): { modified?: string } | { problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { problem: 'not JSON' };
  }
  return importOsvRecord(json, sink);
}

interface RawRecord {
  readonly where: string;
  readonly bytes: Buffer;
}

async function* readFolder(root: string, folder: string, depth: number, o: Call): AsyncGenerator<RawRecord> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  // A bulk archive beside the records it was made of holds the same again.
  const hasRecords = entries.some(entry => entry.isFile() && entry.name.endsWith('.json'));
  for (const entry of entries) {
    o.signal?.throwIfAborted();
    const path = join(folder, entry.name);
    // Links are not followed: a folder of advisories leads nowhere else.
    if (entry.isDirectory() && depth < deepest) yield* readFolder(root, path, depth + 1, o);
    if (!entry.isFile()) continue;
    if (entry.name.endsWith('.json')) yield { where: relative(root, path), bytes: await readBounded(path) };
    if (entry.name.endsWith('.zip') && !hasRecords) yield* readArchive(path, relative(root, path), o);
  }
}

async function* readArchive(path: string, name: string, o: Call): AsyncGenerator<RawRecord> {
  const wants = (entry: string): boolean => entry.endsWith('.json');
  for await (const { name: entry, bytes } of readZip(path, { wants, largest: largestRecord, ...o })) {
    yield { where: `${name}!${entry}`, bytes };
  }
}

async function readBounded(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > largestRecord) throw refuse(path, `${size} bytes`);
  return await readFile(path);
}

function isLater(date: string, than: string | undefined): boolean {
  const time = Date.parse(date);
  return !Number.isNaN(time) && (than === undefined || time > Date.parse(than));
}

function refuse(where: string, actual: string): Fault {
  return new Fault('FILE_INVALID', {
    what: 'the advisories cannot be imported',
    where,
    expected: 'a folder or zip of OSV records',
    actual,
  });
}

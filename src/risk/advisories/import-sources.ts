import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../ground/fault/fault.ts';
import { type Imported, importOsv } from './importers/osv.ts';
import { importTrivyDb } from './importers/trivy-db.ts';
import { IndexBuilder } from './index/build-index.ts';

export interface ImportRequest {
  /** Folders or zips of OSV records, folders or files of a Trivy database, CISA's list of exploited vulnerabilities. */
  readonly sources: readonly string[];
  /** How far the data reach, when the user knows better than their newest record. */
  readonly asOf?: Date;
  readonly signal?: AbortSignal;
}

export interface ImportedSource extends Imported {
  readonly name: string;
}

const Exploited = z.object({
  catalogVersion: z.string(),
  dateReleased: z.string().optional(),
  vulnerabilities: z.array(z.object({ cveID: z.string(), dateAdded: z.string() })).max(100_000),
});

/** Builds one index from sources of any kind. Nothing is stored. */
export async function importSources(
  request: ImportRequest,
): Promise<{ readonly bytes: Buffer; readonly sources: readonly ImportedSource[] }> {
  const builder = new IndexBuilder();
  const call = request.signal === undefined ? {} : { signal: request.signal };
  const sources: ImportedSource[] = [];
  const kinds = await Promise.all(request.sources.map(async path => ({ path, kind: await kindOf(path) })));
  // What is known to be exploited is marked on what the others describe.
  kinds.sort((a, b) => Number(a.kind === 'exploited') - Number(b.kind === 'exploited'));
  for (const { path, kind } of kinds) {
    const imported =
      kind === 'trivy'
        ? await importTrivyDb(path, builder, call)
        : kind === 'exploited'
          ? await importExploited(path, builder)
          : await importOsv(path, builder, call);
    sources.push({ name: basename(path), ...imported });
  }
  const builtAt = request.asOf ?? newestOf(sources);
  const lineage = [...new Set(sources.map(source => source.lineage))].sort();
  const bytes = builder.build({
    lineage: lineage.filter((name, _, all) => name !== 'cisa-kev' || all.length === 1),
    builtAt: builtAt.toISOString(),
    sources: sources.map(({ name, digest, records }) => ({ name, digest, records })),
  });
  return { bytes, sources };
}

/** The oldest of the sources decides: an index is as fresh as its stalest part. */
function newestOf(sources: readonly ImportedSource[]): Date {
  const dates = sources.flatMap(({ newest }) => (newest === undefined ? [] : [Date.parse(newest)]));
  if (dates.length === sources.length && dates.length > 0) return new Date(Math.min(...dates));
  throw new Fault('USAGE', {
    what: 'nothing in the advisories says how far they reach',
    expected: 'records with a modification date',
    next: 'say it yourself: --as-of 2026-01-31',
  });
}

async function kindOf(path: string): Promise<'trivy' | 'osv' | 'exploited'> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Fault('FILE_MISSING', { what: 'the advisories are not there', where: path, cause });
  });
  if (found.isDirectory()) {
    const isTrivy = await Promise.any(
      ['trivy.db', join('db', 'trivy.db')].map(name => stat(join(path, name))),
    ).catch(() => undefined);
    return isTrivy === undefined ? 'osv' : 'trivy';
  }
  if (basename(path).endsWith('.json')) return 'exploited';
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
    // bbolt's meta page has its magic at 16.
    return bytesRead === 32 && buffer.readUInt32LE(16) === 0xed0cdaed ? 'trivy' : 'osv';
  } finally {
    await file.close();
  }
}

async function importExploited(path: string, builder: IndexBuilder): Promise<Imported> {
  const bytes = await readFile(path);
  const parsed = Exploited.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!parsed.success) {
    throw new Fault('FILE_INVALID', {
      what: 'the file is no list of exploited vulnerabilities',
      where: path,
      expected: 'known_exploited_vulnerabilities.json; OSV records are imported as a folder or a zip',
    });
  }
  const { vulnerabilities, dateReleased } = parsed.data;
  for (const { cveID, dateAdded } of vulnerabilities) builder.exploited(cveID, dateAdded);
  return {
    records: vulnerabilities.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    lineage: 'cisa-kev',
    problems: [],
    ...(dateReleased !== undefined && { newest: new Date(dateReleased).toISOString() }),
  };
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import { readSeverity, type Severity, severityAt } from '../../../model/severity.ts';
import { isBundle } from '../../scan/merge/identifiers.ts';
import type { Advisory, AdvisorySink, VersionRange, Vulnerability } from '../advisory.ts';
import { feedOfBucket, isSystemType, normaliseName } from '../feeds.ts';
import { statuses } from '../index/layout.ts';
import { readRangeExpression } from '../range-expression.ts';
import { BoltFile, type Bucket } from './bbolt.ts';
import { maybe } from './maybe.ts';
import type { Imported } from './osv.ts';

const texts = maybe(z.array(z.string()));
const Entry = z.object({
  FixedVersion: maybe(z.string()),
  AffectedVersion: maybe(z.string()),
  Severity: maybe(z.union([z.number(), z.string()])),
  Arches: texts,
  VendorIDs: texts,
  VulnerableVersions: texts,
  PatchedVersions: texts,
  UnaffectedVersions: texts,
  Status: maybe(z.number()),
});
const RedHatEntry = z.object({
  FixedVersion: maybe(z.string()),
  Cves: maybe(z.array(z.object({ ID: maybe(z.string()), Severity: maybe(z.number()) }))),
  Arches: texts,
  Status: maybe(z.number()),
  Affected: maybe(z.array(z.number().int().nonnegative())),
});
const AdvisoryValue = Entry.extend({ Entries: maybe(z.array(z.unknown())) });
const Metadata = z.object({ Version: z.number(), UpdatedAt: z.string() });
const Description = z.object({
  Title: maybe(z.string()),
  Severity: maybe(z.string()),
  VendorSeverity: maybe(z.record(z.string(), z.number())),
  CVSS: maybe(
    z.record(z.string(), maybe(z.object({ V3Vector: maybe(z.string()), V3Score: maybe(z.number()) }))),
  ),
  References: texts,
  PublishedDate: maybe(z.string()),
});

/** Reads a Trivy database (schema 2), in place or wherever it was unpacked. */
export async function importTrivyDb(
  path: string,
  sink: AdvisorySink,
  o: { readonly signal?: AbortSignal } = {},
): Promise<Imported> {
  const file = await findDatabase(path);
  const { UpdatedAt } = await readMetadata(file);
  const bolt = new BoltFile(file);
  const importer = new TrivyImporter(bolt, sink);
  try {
    for (const entry of bolt.entries(bolt.root)) {
      o.signal?.throwIfAborted();
      if ('bucket' in entry) importer.readBucket(entry.key, entry.bucket);
    }
  } finally {
    bolt.close();
  }
  return {
    records: importer.records,
    newest: new Date(UpdatedAt).toISOString(),
    digest: await digestOf(file),
    lineage: 'aqua-trivy-db',
    problems: importer.problems.slice(0, 20),
  };
}

class TrivyImporter {
  records = 0;
  readonly problems: string[] = [];
  readonly #bolt: BoltFile;
  readonly #sink: AdvisorySink;

  constructor(bolt: BoltFile, sink: AdvisorySink) {
    this.#bolt = bolt;
    this.#sink = sink;
  }

  readBucket(name: string, bucket: Bucket): void {
    if (name === 'vulnerability') return this.#readVulnerabilities(bucket);
    if (name === 'Red Hat CPE') return this.#readProducts(bucket);
    const feed = feedOfBucket(name);
    if (feed === undefined) return;
    for (const entry of this.#bolt.entries(bucket)) {
      if (!('bucket' in entry)) continue;
      for (const advisory of this.#bolt.entries(entry.bucket)) {
        if ('value' in advisory)
          this.#readAdvisory(feed, sourceOf(name), entry.key, advisory.key, advisory.value);
      }
    }
  }

  #readAdvisory(feed: string, source: string, name: string, id: string, bytes: Buffer): void {
    const value = this.#parse(AdvisoryValue, bytes, `${feed} ${name} ${id}`);
    if (value === undefined) return;
    this.records++;
    if (feed === 'redhat') return this.#readRedHat(name, id, value.Entries ?? []);
    const entries = value.Entries === undefined || value.Entries.length === 0 ? [value] : value.Entries;
    for (const each of entries) {
      const entry = Entry.safeParse(each);
      if (entry.success) this.#add(feed, source, name, id, entry.data);
      else this.problems.push(`${feed} ${name} ${id}: not an advisory`);
    }
  }

  #add(feed: string, source: string, name: string, id: string, entry: z.infer<typeof Entry>): void {
    const isSystem = isSystemType(schemeType(feed));
    const rule = isSystem ? systemRule(feed, entry) : this.#languageRule(entry, `${feed} ${name} ${id}`);
    if (rule === undefined) return;
    const severity = toSeverity(entry.Severity);
    const names = (entry.VendorIDs ?? []).filter(name => !isBundle(name) && name !== id);
    if (names.length > 0) this.#sink.vulnerability({ id, aliases: names, severity: 'unknown', details: {} });
    this.#sink.advisory({
      feed,
      package: isSystem ? name.replace(/^([^:]+:[^:]+)::/, '') : normaliseName(feed, name),
      id,
      source,
      ...rule,
      ...(severity !== 'unknown' && { severity }),
      ...bundlesAndArches(entry),
      ...moduleOf(name, isSystem),
    });
  }

  /** Keys are errata or CVEs; each entry has its CVEs, and the products that it holds for. */
  #readRedHat(name: string, id: string, entries: readonly unknown[]): void {
    for (const each of entries) {
      const parsed = RedHatEntry.safeParse(each);
      if (!parsed.success) continue;
      const {
        FixedVersion: fixed,
        Cves: cves,
        Arches: arches,
        Status: status,
        Affected: products,
      } = parsed.data;
      for (const cve of cves ?? []) {
        const isErratum = cve.ID !== undefined && cve.ID !== '';
        const severity = toSeverity(cve.Severity);
        this.#sink.advisory({
          feed: 'redhat',
          package: name,
          id: isErratum ? (cve.ID ?? id) : id,
          source: 'redhat',
          status: fixed ? 'fixed' : (statuses[status ?? 2] ?? 'affected'),
          ranges: [fixed ? { fixed } : {}],
          products: products ?? [],
          ...(isErratum && { bundles: [id] }),
          ...(severity !== 'unknown' && { severity }),
          ...(arches !== undefined && arches.length > 0 && { arches }),
        });
      }
    }
  }

  #languageRule(
    entry: z.infer<typeof Entry>,
    where: string,
  ): Pick<Advisory, 'ranges' | 'unaffected' | 'status'> | undefined {
    const vulnerable = entry.VulnerableVersions ?? [];
    const safe = [...(entry.PatchedVersions ?? []), ...(entry.UnaffectedVersions ?? [])];
    if (vulnerable.length === 0 && safe.length === 0) return undefined;
    // An empty text among them means every version; no list of vulnerable versions means all that are not safe.
    if ([...vulnerable, ...safe].includes('')) return { ranges: [{}], status: 'affected' };
    const ranges = vulnerable.length === 0 ? [{}] : this.#ranges(vulnerable, where);
    const unaffected = this.#ranges(safe, where);
    const isFixed = safe.length > 0 || ranges.some(({ fixed }) => fixed !== undefined);
    return { ranges, unaffected, status: isFixed ? 'fixed' : 'affected' };
  }

  #ranges(expressions: readonly string[], where: string): VersionRange[] {
    return expressions.flatMap(expression => {
      const ranges = readRangeExpression(expression);
      if (ranges === undefined)
        this.problems.push(`${where}: "${expression.slice(0, 100)}" is not understood`);
      return ranges ?? [];
    });
  }

  #readVulnerabilities(bucket: Bucket): void {
    for (const entry of this.#bolt.entries(bucket)) {
      if (!('value' in entry)) continue;
      const value = this.#parse(Description, entry.value, entry.key);
      if (value !== undefined) this.#sink.vulnerability(toVulnerability(entry.key, value));
    }
  }

  #readProducts(bucket: Bucket): void {
    for (const entry of this.#bolt.entries(bucket)) {
      if (!('bucket' in entry) || entry.key !== 'repository') continue;
      for (const repository of this.#bolt.entries(entry.bucket)) {
        if (!('value' in repository)) continue;
        const indices = this.#parse(
          z.array(z.number().int().nonnegative()),
          repository.value,
          repository.key,
        );
        if (indices !== undefined) this.#sink.products?.(repository.key, indices);
      }
    }
  }

  #parse<T extends z.ZodType>(schema: T, bytes: Buffer, where: string): z.infer<T> | undefined {
    try {
      const parsed = schema.safeParse(JSON.parse(bytes.toString('utf8')));
      if (parsed.success) return parsed.data;
    } catch {
      // Said below.
    }
    this.problems.push(`${where}: not what the schema says`);
    return undefined;
  }
}

/** Distributions: below the fix, or no fix known. A fix of 0 says that it never was affected. */
function systemRule(
  feed: string,
  entry: z.infer<typeof Entry>,
): Pick<Advisory, 'ranges' | 'status'> | undefined {
  const fixed = entry.FixedVersion ?? '';
  const introduced = entry.AffectedVersion ?? '';
  if (fixed === '0') return undefined;
  // Alpine and its relatives record fixes only.
  if (fixed === '' && /^(?:alpine|wolfi|chainguard|minimos)/.test(feed)) return undefined;
  const status = fixed === '' ? (statuses[entry.Status ?? 2] ?? 'affected') : 'fixed';
  if (status === 'not_affected') return undefined;
  return {
    ranges: [{ ...(fixed !== '' && { fixed }), ...(introduced !== '' && { introduced }) }],
    status: status === 'fixed' && fixed === '' ? 'affected' : status,
  };
}

function schemeType(feed: string): string {
  return /^(?:npm|pypi|golang|maven|gem|cargo|composer|nuget)$/.test(feed) ? feed : 'rpm';
}

function moduleOf(name: string, isSystem: boolean): { module?: string } {
  const module = isSystem ? /^([^:]+:[^:]+)::/.exec(name)?.[1] : undefined;
  return module === undefined ? {} : { module };
}

function bundlesAndArches(entry: z.infer<typeof Entry>): Pick<Advisory, 'bundles' | 'arches'> {
  const bundles = (entry.VendorIDs ?? []).filter(isBundle);
  return {
    ...(bundles.length > 0 && { bundles }),
    ...(entry.Arches !== undefined && entry.Arches.length > 0 && { arches: entry.Arches }),
  };
}

/** 0 to 4 in the database: unknown, low, medium, high, critical. */
function toSeverity(value: number | string | undefined): Severity {
  if (typeof value === 'string') return readSeverity(value);
  return value === undefined || value === 0 ? 'unknown' : severityAt(value + 1);
}

const preferred = ['ghsa', 'nvd', 'redhat', 'ubuntu', 'debian'] as const;

function toVulnerability(id: string, value: z.infer<typeof Description>): Vulnerability {
  const rated = value.VendorSeverity ?? {};
  const severitySource =
    preferred.find(source => toSeverity(rated[source]) !== 'unknown') ?? Object.keys(rated).sort()[0];
  const severity =
    severitySource === undefined
      ? readSeverity(value.Severity ?? undefined)
      : toSeverity(rated[severitySource]);
  const cvss = Object.values(value.CVSS ?? {}).flatMap(each =>
    each?.V3Vector !== undefined && each.V3Score !== undefined
      ? [{ version: each.V3Vector.slice(5, 8), vector: each.V3Vector, score: each.V3Score }]
      : [],
  );
  return {
    id,
    aliases: [],
    severity,
    ...(severitySource !== undefined && { severitySource }),
    details: {
      ...(value.Title !== undefined && value.Title !== '' && { title: value.Title.slice(0, 300) }),
      ...(cvss.length > 0 && { cvss: cvss.slice(0, 4) }),
      ...(value.PublishedDate !== undefined && { published: value.PublishedDate }),
    },
  };
}

/** `npm::GitHub Security Advisory npm` is GitHub's word, `debian 12` Debian's. */
function sourceOf(bucket: string): string {
  if (/GitHub Security Advisory/.test(bucket)) return 'ghsa';
  return (bucket.split('::')[1] ?? bucket).replace(/ [\d.]+$/, '').toLowerCase();
}

async function findDatabase(path: string): Promise<string> {
  for (const file of [path, join(path, 'trivy.db'), join(path, 'db', 'trivy.db')]) {
    if ((await stat(file).catch(() => undefined))?.isFile() === true) return file;
  }
  throw new Fault('FILE_MISSING', { what: 'there is no Trivy database', where: path, expected: 'trivy.db' });
}

/** The file itself has no date; the one beside it does. */
async function readMetadata(file: string): Promise<z.infer<typeof Metadata>> {
  const where = join(dirname(file), 'metadata.json');
  try {
    const metadata = Metadata.parse(JSON.parse(await readFile(where, 'utf8')));
    if (metadata.Version === 2 && !Number.isNaN(Date.parse(metadata.UpdatedAt))) return metadata;
  } catch (cause) {
    throw new Fault('FILE_INVALID', { what: 'nothing says how old the Trivy database is', where, cause });
  }
  throw new Fault('FILE_INVALID', {
    what: 'the Trivy database is of another version',
    where,
    expected: 'Version 2',
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

import { z } from 'zod';
import type { CvssScore, FixStatus } from '../../../model/finding.ts';
import { highestSeverity, readSeverity, type Severity } from '../../../model/severity.ts';
import { isBundle } from '../../scan/merge/identifiers.ts';
import type { Advisory, AdvisorySink, VersionRange, VulnerabilityDetails } from '../advisory.ts';
import { scoreCvss3, severityOfScore } from '../cvss.ts';
import { feedOfOsv, normaliseName } from '../feeds.ts';
import { maybe } from './maybe.ts';

const short = z.string().max(1_000);
/** No record has more of anything; what does is not an advisory. */
const list = <T extends z.ZodType>(item: T, most = 20_000) => maybe(z.array(item).max(most));
const loose = maybe(z.record(z.string(), z.unknown()));
const Event = z.object({
  introduced: short.optional(),
  fixed: short.optional(),
  last_affected: short.optional(),
  limit: short.optional(),
});
const Severities = list(z.object({ type: short, score: short }), 100);

/** What we read of the OSV schema 1.x; everything else may be there. */
const OsvRecord = z.object({
  id: short.min(1),
  modified: maybe(short),
  published: maybe(short),
  withdrawn: maybe(short),
  aliases: list(short, 1_000),
  related: list(short, 5_000),
  upstream: list(short, 5_000),
  summary: maybe(z.string()),
  severity: Severities,
  affected: list(
    z.object({
      package: maybe(z.object({ ecosystem: short, name: short })),
      ranges: list(z.object({ type: short, events: list(Event) }), 5_000),
      versions: list(short, 100_000),
      severity: Severities,
      ecosystem_specific: loose,
      database_specific: loose,
    }),
    50_000,
  ),
  references: list(z.object({ type: maybe(short), url: z.string() }), 5_000),
  database_specific: loose,
});
type OsvRecord = z.infer<typeof OsvRecord>;
type Affected = NonNullable<OsvRecord['affected']>[number];

/** Reads one record. Gives its modification date, or what is wrong with it. */
export function importOsvRecord(
  json: unknown,
  sink: AdvisorySink,
): { modified?: string } | { problem: string } {
  const parsed = OsvRecord.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an OSV record'}` };
  }
  const record = parsed.data;
  const { modified } = record;
  if (record.withdrawn === undefined) for (const name of namesOf(record)) importAs(name, record, sink);
  return modified === undefined ? {} : { modified };
}

/** An erratum that bundles vulnerabilities is not one: it fans out into those it names. */
function namesOf(record: OsvRecord): readonly string[] {
  if (!isBundle(record.id)) return [record.id];
  const named = [...(record.upstream ?? []), ...(record.related ?? []), ...(record.aliases ?? [])];
  const vulnerabilities = [...new Set(named.filter(name => /^CVE-\d{4}-\d{4,}$/.test(name)))];
  return vulnerabilities.length > 0 ? vulnerabilities : [record.id];
}

function importAs(id: string, record: OsvRecord, sink: AdvisorySink): void {
  const bundles = bundlesOf(record);
  const rating = rate(record);
  sink.vulnerability({
    id,
    aliases: id === record.id ? (record.aliases ?? []).filter(alias => !isBundle(alias) && alias !== id) : [],
    severity: rating.severity,
    ...(rating.source !== undefined && { severitySource: rating.source }),
    details: detailsOf(record, rating.cvss),
  });
  for (const affected of record.affected ?? []) {
    const feed = feedOfOsv(affected.package?.ecosystem ?? '');
    if (affected.package === undefined || feed === undefined) continue;
    const advisory = toAdvisory(id, feed, affected.package.name, affected);
    if (advisory !== undefined) sink.advisory(bundles.length > 0 ? { ...advisory, bundles } : advisory);
  }
}

function bundlesOf(record: OsvRecord): readonly string[] {
  const named = [record.id, ...(record.related ?? []), ...(record.aliases ?? [])];
  return [...new Set(named.filter(isBundle))].sort();
}

function toAdvisory(id: string, feed: string, name: string, affected: Affected): Advisory | undefined {
  const ranges = (affected.ranges ?? []).flatMap(({ type, events }) =>
    type === 'GIT' ? [] : toRanges(events ?? []),
  );
  const versions = affected.versions ?? [];
  if (ranges.length === 0 && versions.length === 0) return undefined;
  const said = { ...affected.database_specific, ...affected.ecosystem_specific };
  const word = [said['status'], said['urgency'], said['ubuntu_priority']].find(
    value => typeof value === 'string',
  );
  const severity = ownSeverity(affected, word);
  const isFixed = ranges.some(({ fixed }) => fixed !== undefined);
  return {
    feed,
    package: normaliseName(feed, name),
    id,
    source: 'osv',
    status: isFixed ? 'fixed' : statusOf(word),
    ranges,
    ...(severity !== 'unknown' && { severity }),
    ...(versions.length > 0 && { versions }),
  };
}

function statusOf(word: string | undefined): FixStatus {
  if (word === 'deferred' || word === 'postponed') return 'fix_deferred';
  if (word === 'wont-fix' || word === 'ignored') return 'will_not_fix';
  return word === 'end-of-life' ? 'end_of_life' : 'affected';
}

function ownSeverity(affected: Affected, word: string | undefined): Severity {
  const rated = (affected.severity ?? []).map(({ type, score }) => severityOf(type, score));
  return highestSeverity([...rated, readSeverity(word)]);
}

/** The events of a range in order: what opens a stretch and what closes it (OSV schema, "affected[].ranges[].events"). */
function toRanges(events: readonly z.infer<typeof Event>[]): VersionRange[] {
  const ranges: VersionRange[] = [];
  let open: { introduced?: string } | undefined;
  const close = (end: Pick<VersionRange, 'fixed' | 'lastAffected'>): void => {
    // A fix of 0 says that no version is affected.
    if (open !== undefined && end.fixed !== '0') ranges.push({ ...open, ...end });
    open = undefined;
  };
  for (const { introduced, fixed, last_affected: last, limit } of events) {
    if (introduced !== undefined) {
      if (open !== undefined) close({});
      open = introduced === '0' ? {} : { introduced };
    }
    if (fixed !== undefined) close({ fixed });
    else if (last !== undefined) close({ lastAffected: last });
    else if (limit !== undefined && limit !== '*') close({ fixed: limit });
  }
  if (open !== undefined) close({});
  return ranges;
}

function rate(record: OsvRecord): { severity: Severity; source?: string; cvss: readonly CvssScore[] } {
  const said = record.severity ?? [];
  const cvss = said.flatMap(({ type, score }) => toCvss(type, score));
  const word = record.database_specific?.['severity'];
  if (typeof word === 'string' && readSeverity(word) !== 'unknown') {
    return { severity: readSeverity(word), source: sourceOf(record.id), cvss };
  }
  const severity = highestSeverity(said.map(({ type, score }) => severityOf(type, score)));
  return severity === 'unknown' ? { severity, cvss } : { severity, source: sourceOf(record.id), cvss };
}

function severityOf(type: string, score: string): Severity {
  if (!type.startsWith('CVSS')) return readSeverity(score);
  const value = scoreCvss3(score);
  return value === undefined ? 'unknown' : severityOfScore(value);
}

function toCvss(type: string, vector: string): readonly CvssScore[] {
  const score = type.startsWith('CVSS') ? scoreCvss3(vector) : undefined;
  return score === undefined ? [] : [{ version: vector.slice(5, 8), vector, score }];
}

function sourceOf(id: string): string {
  return id.startsWith('CVE-') ? 'osv' : (/^[A-Za-z]+/.exec(id)?.[0]?.toLowerCase() ?? 'osv');
}

function detailsOf(record: OsvRecord, cvss: readonly CvssScore[]): VulnerabilityDetails {
  const kev = record.database_specific?.['kev'];
  const url = record.references?.find(
    ({ type, url }) => type === 'ADVISORY' && /^https?:\/\//.test(url),
  )?.url;
  return {
    ...(record.summary !== undefined && record.summary !== '' && { title: record.summary.slice(0, 300) }),
    ...(cvss.length > 0 && { cvss }),
    ...(record.published !== undefined && { published: record.published }),
    ...(typeof kev === 'string' && { kev }),
    ...(url !== undefined && { url: url.slice(0, 500) }),
  };
}

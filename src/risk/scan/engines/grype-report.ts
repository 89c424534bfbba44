import { z } from 'zod';
import type { FixStatus } from '../../../model/finding.ts';
import { readSeverity } from '../../../model/severity.ts';
import { isSystemType } from '../../advisories/feeds.ts';
import { maybe } from '../../advisories/importers/maybe.ts';
import { EngineFailure, type EngineFinding, type EngineReport, type ScanTarget } from '../engine.ts';
import { isBundle, isCve } from '../merge/identifiers.ts';
import { toEnginePackage } from '../merge/package-key.ts';

const text = maybe(z.string());
const number = maybe(z.number());
const Vulnerability = z.object({
  id: z.string().min(1),
  namespace: text,
  severity: text,
  description: text,
  cvss: maybe(
    z.array(z.object({ version: text, vector: text, metrics: maybe(z.object({ baseScore: number })) })),
  ),
  epss: maybe(z.array(z.object({ cve: text, epss: z.number(), percentile: z.number(), date: text }))),
  knownExploited: maybe(z.array(z.object({ cve: text, dateAdded: text, dueDate: text }))),
  fix: maybe(z.object({ versions: maybe(z.array(z.string())), state: text })),
  advisories: maybe(z.array(z.object({ id: text }))),
  risk: number,
});
const Match = z.object({
  vulnerability: Vulnerability,
  relatedVulnerabilities: maybe(z.array(Vulnerability)),
  matchDetails: maybe(z.array(z.object({ type: text }))),
  artifact: z.object({
    name: z.string(),
    version: z.string(),
    type: text,
    locations: maybe(z.array(z.object({ path: text }))),
    purl: text,
    upstreams: maybe(z.array(z.object({ name: text, version: text }))),
  }),
});
type Match = z.infer<typeof Match>;
const Report = z.object({
  matches: z.array(Match),
  ignoredMatches: maybe(z.array(Match)),
  source: maybe(z.object({ type: text, target: z.unknown() })),
  distro: maybe(z.object({ name: text })),
  descriptor: z.object({
    name: z.literal('grype'),
    version: z.string(),
    db: z.object({ status: z.object({ schemaVersion: text, built: text, valid: maybe(z.boolean()) }) }),
  }),
});
const ImageTarget = z.object({ imageID: text, manifestDigest: text });

/** Reads what Grype 0.110 and later write, with the identity of the database in it. */
export function parseGrypeReport(json: unknown, target: ScanTarget): EngineReport {
  const parsed = Report.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new EngineFailure(
      'bad-report',
      `not a report of Grype: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  const { matches, ignoredMatches = [], source, distro, descriptor } = parsed.data;
  checkSubject(source, target);
  const hasSystem = target.inventory.packages.some(({ type }) => isSystemType(type));
  if (hasSystem && (distro?.name ?? '') === '') {
    throw new EngineFailure('no-coverage', 'it does not know the operating system of the image');
  }
  const { schemaVersion = '', built = '', valid } = descriptor.db.status;
  if (valid === false) throw new EngineFailure('stale-db', 'it calls its own database invalid');
  return {
    version: descriptor.version,
    lineage: ['anchore-grype-db'],
    db: { lineage: 'anchore-grype-db', version: schemaVersion, builtAt: built },
    findings: matches.map(toFinding),
    ignored: ignoredMatches.map(toFinding),
    withoutFeed: [],
  };
}

function checkSubject(
  source: { readonly type?: string | undefined; readonly target?: unknown } | undefined,
  { inventory, layout }: ScanTarget,
): void {
  if (layout === undefined) return;
  const image = ImageTarget.safeParse(source?.target);
  const { imageID, manifestDigest } = image.success ? image.data : {};
  if (source?.type === 'image' && imageID === inventory.subject.imageId && manifestDigest === layout.digest)
    return;
  throw new EngineFailure(
    'bad-report',
    `wrong subject: it looked at ${manifestDigest ?? 'something else'}, not ${layout.digest}`,
  );
}

function toFinding({
  vulnerability,
  relatedVulnerabilities = [],
  matchDetails = [],
  artifact,
}: Match): EngineFinding {
  const related = relatedVulnerabilities.map(({ id }) => id).filter(id => id !== vulnerability.id);
  const { fix, epss = [], knownExploited = [], advisories = [], cvss = [], risk } = vulnerability;
  const exploited = [
    ...knownExploited,
    ...relatedVulnerabilities.flatMap(each => each.knownExploited ?? []),
  ][0];
  const [upstream] = artifact.upstreams ?? [];
  const severitySource = sourceOf(vulnerability.namespace ?? '');
  const title = vulnerability.description?.split('\n')[0]?.slice(0, 300);
  return {
    id: vulnerability.id,
    aliases: isBundle(vulnerability.id) ? [] : related.filter(id => !isBundle(id)),
    covers: related.filter(isCve),
    bundles: [...advisories.flatMap(({ id }) => id ?? []), ...related].filter(isBundle),
    pkg: toEnginePackage({
      purl: artifact.purl === '' ? undefined : artifact.purl,
      type: artifact.type ?? '',
      name: artifact.name,
      version: artifact.version,
      paths: (artifact.locations ?? []).flatMap(({ path }) => path ?? []),
      ...(upstream?.name !== undefined && {
        source: { name: upstream.name, version: upstream.version ?? artifact.version },
      }),
    }),
    severity: readSeverity(vulnerability.severity),
    cvss: cvss.flatMap(({ version, vector, metrics }) =>
      version !== undefined && vector !== undefined && metrics?.baseScore !== undefined
        ? [{ version, vector, score: metrics.baseScore }]
        : [],
    ),
    status: statusOf(fix?.state),
    fixedIn: fix?.versions ?? [],
    matchType: typeOf(matchDetails.map(({ type }) => type)),
    ...(severitySource !== undefined && { severitySource }),
    ...(title !== undefined && title !== '' && { title }),
    ...(epss[0] !== undefined && {
      epss: { score: epss[0].epss, percentile: epss[0].percentile, date: epss[0].date ?? '' },
    }),
    ...(exploited !== undefined && {
      kev: {
        dateAdded: exploited.dateAdded ?? '',
        ...(exploited.dueDate !== undefined && exploited.dueDate !== '' && { dueDate: exploited.dueDate }),
      },
    }),
    ...(risk !== undefined && risk > 0 && { risk }),
  };
}

function typeOf(types: readonly (string | undefined)[]): EngineFinding['matchType'] {
  if (types.includes('exact-direct-match')) return 'exact';
  if (types.includes('exact-indirect-match')) return 'indirect';
  return types.length > 0 && types.every(type => type === 'cpe-match') ? 'cpe' : 'exact';
}

const states: Readonly<Record<string, FixStatus>> = {
  fixed: 'fixed',
  'not-fixed': 'affected',
  'wont-fix': 'will_not_fix',
};

function statusOf(state: string | undefined): FixStatus {
  return states[state ?? ''] ?? 'unknown';
}

/** `debian:distro:debian:12` is Debian's word, `github:language:npm` an advisory of GitHub's. */
function sourceOf(namespace: string): string | undefined {
  const [first] = namespace.split(':');
  return first === 'github' ? 'ghsa' : first === '' ? undefined : first;
}

import { z } from 'zod';
import type { CvssScore, FixStatus } from '../../../model/finding.ts';
import { readSeverity } from '../../../model/severity.ts';
import { isSystemType } from '../../advisories/feeds.ts';
import { maybe } from '../../advisories/importers/maybe.ts';
import { EngineFailure, type EngineFinding, type EngineReport, type ScanTarget } from '../engine.ts';
import { isBundle } from '../merge/identifiers.ts';
import { packageKeyOf, toEnginePackage } from '../merge/package-key.ts';

const text = maybe(z.string());
const texts = maybe(z.array(z.string()));
const Identifier = maybe(z.object({ PURL: text }));
const Package = z.object({
  Name: z.string(),
  Identifier,
  Version: text,
  Release: text,
  Epoch: maybe(z.number()),
  SrcName: text,
  SrcVersion: text,
  SrcRelease: text,
});
const Vulnerability = z.object({
  VulnerabilityID: z.string().min(1),
  VendorIDs: texts,
  PkgName: z.string(),
  PkgPath: text,
  PkgIdentifier: Identifier,
  InstalledVersion: text,
  FixedVersion: text,
  Status: text,
  SeveritySource: text,
  Severity: text,
  CVSS: maybe(
    z.record(
      z.string(),
      z.object({ V3Vector: text, V3Score: maybe(z.number()), V40Vector: text, V40Score: maybe(z.number()) }),
    ),
  ),
  DataSource: maybe(z.object({ ID: text })),
  Title: text,
  PublishedDate: text,
});
const Result = z.object({
  Target: text,
  Class: text,
  Type: text,
  Packages: maybe(z.array(Package)),
  Vulnerabilities: maybe(z.array(Vulnerability)),
  ExperimentalModifiedFindings: maybe(z.array(z.object({ Type: text, Finding: z.unknown() }))),
});
const Report = z.object({
  SchemaVersion: z.literal(2),
  Trivy: maybe(z.object({ Version: text })),
  ArtifactType: text,
  Metadata: maybe(
    z.object({ OS: maybe(z.object({ Family: text, Name: text })), ImageID: text, DiffIDs: texts }),
  ),
  Results: maybe(z.array(Result)),
});
type Report = z.infer<typeof Report>;
type Result = z.infer<typeof Result>;

/** Reads schema 2. What it does not know it passes over; what it needs and does not find makes the report a bad one. */
export function parseTrivyReport(json: unknown, target: ScanTarget): Omit<EngineReport, 'db' | 'lineage'> {
  const parsed = Report.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new EngineFailure(
      'bad-report',
      `not a report of Trivy: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  const report = parsed.data;
  checkSubject(report, target);
  const results = report.Results ?? [];
  const packages = results.flatMap(({ Packages = [], Type = '' }) =>
    Packages.map(each =>
      packageKeyOf(
        toEnginePackage({
          purl: each.Identifier?.PURL,
          type: Type,
          name: each.Name,
          version: versionOf(each.Epoch, each.Version, each.Release),
          paths: [],
        }),
      ),
    ),
  );
  checkSystem(report, packages, target);
  return {
    version: report.Trivy?.Version ?? '',
    findings: results.flatMap(result => (result.Vulnerabilities ?? []).map(each => toFinding(each, result))),
    ignored: results.flatMap(readIgnored),
    packages,
    withoutFeed: [],
  };
}

/** A report about another image is worse than none. */
function checkSubject({ Metadata, ArtifactType }: Report, { inventory, layout }: ScanTarget): void {
  if (layout === undefined) return;
  if (ArtifactType !== 'container_image') {
    throw new EngineFailure(
      'bad-report',
      `wrong subject: it looked at a ${ArtifactType ?? 'nameless thing'}`,
    );
  }
  const { imageId, layers } = inventory.subject;
  const diffIds = (Metadata?.DiffIDs ?? []).join();
  if (Metadata?.ImageID !== imageId || diffIds !== layers.map(({ diffId }) => diffId).join()) {
    throw new EngineFailure(
      'bad-report',
      `wrong subject: it looked at ${Metadata?.ImageID ?? 'something else'}, not ${imageId}`,
    );
  }
}

/** A system that it does not know is not a system without flaws. */
function checkSystem({ Metadata }: Report, packages: readonly string[], { inventory }: ScanTarget): void {
  const type = inventory.packages.find(each => isSystemType(each.type))?.type;
  if (type === undefined || packages.some(key => key.startsWith(`${type}|`))) return;
  const family = Metadata?.OS?.Family;
  if (family === undefined || family === 'none') {
    throw new EngineFailure('no-coverage', 'it does not know the operating system of the image');
  }
  throw new EngineFailure('bad-report', `it lists no ${type} packages of ${family}, and the image has some`);
}

function toFinding(said: z.infer<typeof Vulnerability>, { Type = '', Packages = [] }: Result): EngineFinding {
  const names = said.VendorIDs ?? [];
  const purl = said.PkgIdentifier?.PURL;
  const pkg = Packages.find(each => each.Identifier?.PURL === purl && each.Name === said.PkgName);
  const source =
    pkg?.SrcName === undefined
      ? undefined
      : { name: pkg.SrcName, version: versionOf(undefined, pkg.SrcVersion, pkg.SrcRelease) };
  return {
    id: said.VulnerabilityID,
    aliases: names.filter(name => !isBundle(name)),
    bundles: names.filter(isBundle),
    pkg: toEnginePackage({
      purl,
      type: Type,
      name: said.PkgName,
      version: said.InstalledVersion ?? '',
      paths: said.PkgPath === undefined || said.PkgPath === '' ? [] : [said.PkgPath],
      ...(source !== undefined && { source }),
    }),
    severity: readSeverity(said.Severity),
    cvss: cvssOf(said.CVSS ?? {}),
    status: statusOf(said.Status),
    fixedIn: (said.FixedVersion ?? '')
      .split(',')
      .map(version => version.trim())
      .filter(version => version !== ''),
    matchType: source === undefined || source.name === said.PkgName ? 'exact' : 'indirect',
    ...(said.SeveritySource !== undefined &&
      said.SeveritySource !== '' && { severitySource: said.SeveritySource }),
    ...(said.Title !== undefined && said.Title !== '' && { title: said.Title.slice(0, 300) }),
    ...(said.PublishedDate !== undefined && { published: said.PublishedDate }),
  };
}

function readIgnored(result: Result): EngineFinding[] {
  return (result.ExperimentalModifiedFindings ?? []).flatMap(({ Type, Finding }) => {
    if (Type !== undefined && Type !== 'vulnerability') return [];
    const parsed = Vulnerability.safeParse(Finding);
    return parsed.success ? [toFinding(parsed.data, result)] : [];
  });
}

function cvssOf(said: NonNullable<z.infer<typeof Vulnerability>['CVSS']>): readonly CvssScore[] {
  const scores = Object.values(said).flatMap(({ V3Vector, V3Score, V40Vector, V40Score }) => [
    ...(V3Vector !== undefined && V3Score !== undefined
      ? [{ version: V3Vector.slice(5, 8), vector: V3Vector, score: V3Score }]
      : []),
    ...(V40Vector !== undefined && V40Score !== undefined
      ? [{ version: '4.0', vector: V40Vector, score: V40Score }]
      : []),
  ]);
  return [...new Map(scores.map(score => [score.vector, score])).values()];
}

const statuses: readonly FixStatus[] = [
  'not_affected',
  'affected',
  'fixed',
  'under_investigation',
  'will_not_fix',
  'fix_deferred',
  'end_of_life',
];

function statusOf(word: string | undefined): FixStatus {
  return statuses.find(status => status === word) ?? 'unknown';
}

function versionOf(
  epoch: number | undefined,
  version: string | undefined,
  release: string | undefined,
): string {
  const whole = release === undefined || release === '' ? (version ?? '') : `${version}-${release}`;
  return epoch === undefined || epoch === 0 ? whole : `${epoch}:${whole}`;
}

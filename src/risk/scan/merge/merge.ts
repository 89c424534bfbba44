import type { Claim, Finding, FindingPackage } from '../../../model/finding.ts';
import { type Inventory, type Package, packageKey } from '../../../model/inventory.ts';
import { severityRank } from '../../../model/severity.ts';
import { schemes } from '../../advisories/feeds.ts';
import { compareVersions, type VersionScheme } from '../../versions/compare.ts';
import type { EngineFinding, Heard } from '../engine.ts';
import { Clusters, fanOut } from './clusters.ts';
import { disagreementOf } from './disagree.ts';
import { compareIds } from './identifiers.ts';
import { normaliseName, normaliseVersion, packageKeyOf } from './package-key.ts';
import { decideSeverity } from './severity.ts';

interface Group {
  readonly cluster: string;
  readonly said: { readonly engine: string; readonly finding: EngineFinding }[];
}

/** One finding for each vulnerability in each package; what every engine said of it is kept. */
export function mergeFindings(heard: readonly Heard[], inventory: Inventory): readonly Finding[] {
  const flat = heard.flatMap(({ engine, report }) =>
    report.findings.flatMap(fanOut).map(finding => ({ engine, finding })),
  );
  const clusters = new Clusters();
  for (const { finding } of flat) clusters.join([finding.id, ...finding.aliases]);
  const groups = new Map<string, Group>();
  for (const each of flat) {
    const cluster = clusters.canonical(each.finding.id);
    const key = `${cluster}|${packageKeyOf(each.finding.pkg)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { cluster, said: [each] });
    else group.said.push(each);
  }
  const packages = new Map(inventory.packages.map(found => [packageKeyOf(nameAndType(found)), found]));
  const context = { clusters, packages, heard };
  return [...groups.values()].map(group => toFinding(group, context)).sort(compareFindings);
}

/** The worst first, then by name and package. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    severityRank(b.effective.severity) - severityRank(a.effective.severity) ||
    compareIds(a.id, b.id) ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  );
}

interface MergeContext {
  readonly clusters: Clusters;
  readonly packages: ReadonlyMap<string, Package>;
  readonly heard: readonly Heard[];
}

function toFinding({ cluster, said }: Group, context: MergeContext): Finding {
  const names = context.clusters.namesOf(cluster);
  const findings = said.map(({ finding }) => finding);
  const pkg = describePackage(findings, context.packages);
  const claims = foldClaims(said, pkg.type);
  const versions = fixesOf(claims, pkg);
  const cves = names.filter(name => name.startsWith('CVE-'));
  const draft = { id: cluster, pkg, claims };
  const disagreement = disagreementOf(draft, names, context.heard);
  return {
    key: `${cluster}|${pkg.type}/${pkg.name}|${pkg.version}`,
    id: cluster,
    aliases: names.filter(name => name !== cluster).sort(compareIds),
    advisories: [...new Set(findings.flatMap(({ bundles }) => bundles))].sort(),
    ...pick(findings, 'title'),
    ...(cves.length > 1 && { flags: ['multi-cve'] }),
    pkg,
    claims,
    effective: decideSeverity(claims, pkg.type),
    fix: { available: versions.length > 0, versions },
    ...pick(findings, 'epss'),
    ...pick(findings, 'kev'),
    ...pick(findings, 'risk'),
    ...(disagreement !== undefined && { disagreement }),
    disposition: { kind: 'open' },
  };
}

function pick<K extends 'title' | 'epss' | 'kev' | 'risk'>(
  findings: readonly EngineFinding[],
  key: K,
): { [P in K]?: Exclude<EngineFinding[P], undefined> } {
  const value = findings.map(finding => finding[key]).find(each => each !== undefined);
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: Exclude<EngineFinding[P], undefined> };
}

/** What our own inventory knows of the package comes first: its layer, its owner, its place. */
function describePackage(
  findings: readonly EngineFinding[],
  packages: ReadonlyMap<string, Package>,
): FindingPackage {
  const told = findings[0]?.pkg ?? { type: '', name: '', version: '', purl: '', paths: [] };
  const known = packages.get(packageKeyOf(told));
  const locations = [
    ...new Set([...findings.flatMap(({ pkg }) => pkg.paths), ...(known === undefined ? [] : [known.path])]),
  ].map(path => path.replace(/^\/+/, ''));
  const source = known?.source ?? told.source;
  return {
    purl: known?.purl ?? findings.map(({ pkg }) => pkg.purl).find(purl => purl !== '') ?? '',
    type: told.type,
    name: normaliseName(told.type, told.name),
    version: normaliseVersion(told.type, told.version),
    ...(source !== undefined && source.name !== told.name && { source }),
    ...(known?.ownedBy !== undefined && { ownedBy: known.ownedBy }),
    locations: [...new Set(locations)].sort(),
    ...(known?.layer !== undefined && { layer: known.layer }),
  };
}

/** Two statements of one engine, of two places or by two names, are one claim: the worse severity, all fixes. */
function foldClaims(said: Group['said'], type: string): readonly Claim[] {
  const claims = new Map<string, Claim>();
  for (const { engine, finding } of said) {
    const claim = toClaim(engine, finding);
    const known = claims.get(engine);
    claims.set(engine, known === undefined ? claim : foldTwo(known, claim, type));
  }
  return [...claims.values()].sort((a, b) => (a.engine < b.engine ? -1 : 1));
}

function toClaim(engine: string, finding: EngineFinding): Claim {
  const { id, severity, severitySource, cvss, status, fixedIn, matchType } = finding;
  return {
    engine,
    id,
    severity,
    ...(severitySource !== undefined && { source: severitySource }),
    cvss,
    status,
    fixedIn,
    matchType,
    confidence: matchType === 'cpe' ? 'low' : 'high',
  };
}

function foldTwo(a: Claim, b: Claim, type: string): Claim {
  const isWorse = severityRank(b.severity) > severityRank(a.severity);
  const { severity, source } = isWorse ? b : a;
  const certain = a.confidence === 'high' ? a : b;
  const { source: _source, ...rest } = certain;
  return {
    ...rest,
    id: compareIds(a.id, b.id) <= 0 ? a.id : b.id,
    severity,
    ...(source !== undefined && { source }),
    cvss: dropSame([...a.cvss, ...b.cvss]),
    status: a.status === 'fixed' || b.status !== 'fixed' ? a.status : b.status,
    fixedIn: sortVersions([...a.fixedIn, ...b.fixedIn], type),
  };
}

function dropSame<T extends { readonly vector: string }>(scores: readonly T[]): readonly T[] {
  return [...new Map(scores.map(score => [score.vector, score])).values()];
}

/**
 * What to upgrade to: every version that some engine calls fixed, the lowest first. Fixes of older branches are no
 * upgrade, unless there is nothing else.
 */
function fixesOf(claims: readonly Claim[], { type, version }: FindingPackage): readonly string[] {
  const versions = claims
    .filter(({ confidence }) => confidence === 'high' || claims.length === 1)
    .flatMap(({ fixedIn }) => fixedIn);
  const sorted = sortVersions(versions, type);
  const later = sorted.filter(each => compareVersions(schemeOf(type), each, version) > 0);
  return later.length > 0 ? later : sorted;
}

export function sortVersions(versions: readonly string[], type: string): readonly string[] {
  const scheme = schemeOf(type);
  return [...new Set(versions.filter(version => version !== ''))].sort(
    (a, b) => compareVersions(scheme, a, b) || (a < b ? -1 : 1),
  );
}

function schemeOf(type: string): VersionScheme {
  return Object.hasOwn(schemes, type) ? schemes[type as keyof typeof schemes] : 'semver';
}

function nameAndType(found: Package): { type: string; name: string; version: string } {
  const [type = '', name = '', version = ''] = packageKey(found).split('|');
  return { type, name, version };
}

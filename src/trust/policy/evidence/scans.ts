import { highestSeverity, readSeverity } from '../../../model/severity.ts';
import { matchesPredicateType, predicateTypes, type Statement } from '../../../model/statement.ts';
import type { Severity } from '../policy.ts';
import type { Attestation } from './accept.ts';
import { at, isObject, listAt, shorten, textAt, timeAt } from './read.ts';
import { rememberBy } from './remember.ts';

/** What a scanner said about an image, whichever scanner and form it is. */
export interface Scan {
  readonly evidence: string;
  /** `trivy`, `grype`, or the last part of the scanner's URI. */
  readonly scanner: string;
  readonly finishedOn: number | undefined;
  readonly databaseOf: number | undefined;
  readonly findings: readonly ScanFinding[];
  /** Why it cannot be read; then its findings say nothing. */
  readonly problem?: string;
}

export interface ScanFinding {
  readonly id: string;
  /** Undefined where the scanner does not know. */
  readonly severity: Severity | undefined;
  readonly package?: string;
  readonly version?: string;
  readonly fixedIn?: string;
  /** Layers, as the digests of their uncompressed bytes, in which the package was found. */
  readonly layers: readonly string[];
  /** What the report itself says of it: it comes from the base image. */
  readonly inherited?: boolean;
}

const inTotoScan = /^https:\/\/in-toto\.io\/attestation\/vulns\/v0\.[12]$/;
const mostFindings = 100_000;

export function isScan({ statement: { predicateType } }: Attestation): boolean {
  return matchesPredicateType(predicateType, predicateTypes.vuln) || inTotoScan.test(predicateType);
}

/** The newest scan of each scanner: what it says now replaces what it said before. One that cannot be read stays. */
export function latestScans(attestations: readonly Attestation[]): Scan[] {
  const latest = new Map<string, Scan>();
  const broken: Scan[] = [];
  for (const scan of attestations.filter(isScan).map(readScan)) {
    const { scanner, finishedOn } = scan;
    if (scan.problem !== undefined || finishedOn === undefined) broken.push(scan);
    else if (finishedOn > (latest.get(scanner)?.finishedOn ?? Number.NEGATIVE_INFINITY))
      latest.set(scanner, scan);
    // Two that finished in the same second are both believed.
    else if (finishedOn === latest.get(scanner)?.finishedOn) broken.push(scan);
  }
  return [...latest.values(), ...broken];
}

export function readScan({ id, statement }: Attestation): Scan {
  return { evidence: id, ...readPredicate(statement) };
}

const readPredicate = rememberBy(({ predicate }: Statement): Omit<Scan, 'evidence'> => {
  const result = at(predicate, 'scanner', 'result');
  const read = readResult(result);
  const finishedOn = timeAt(predicate, 'metadata', 'scanFinishedOn');
  const problem =
    read.problem ?? (finishedOn === undefined ? 'it does not say when the scan finished' : undefined);
  return {
    scanner: scannerOf(predicate, result),
    finishedOn,
    databaseOf: databaseTime(predicate, result),
    findings: read.findings,
    ...(problem !== undefined && { problem }),
  };
});

function readResult(result: unknown): { findings: ScanFinding[]; problem?: string } {
  const lists = findingLists(result);
  if (lists === undefined) return { findings: [], problem: describeUnread(result) };
  const entries = lists.list;
  if (entries.length > mostFindings)
    return { findings: [], problem: `it has more than ${mostFindings} findings` };
  const findings = entries.map(lists.read);
  const isWhole = findings.every(finding => finding !== undefined);
  return isWhole ? { findings } : { findings: [], problem: 'a finding in it has no id' };
}

/** Large reports are sometimes only named by their digest; nobody can judge what is not there. */
function describeUnread(result: unknown): string {
  return textAt(result, 'digest') === undefined
    ? 'its result is of no form that is known (Trivy, Grype, scan-report/v1, in-toto)'
    : 'it holds only the digest of its report; attest the report itself';
}

type ReadFinding = (entry: unknown) => ScanFinding | undefined;

function findingLists(result: unknown): { list: readonly unknown[]; read: ReadFinding } | undefined {
  if (Array.isArray(result)) return { list: result, read: readInToto };
  if (!isObject(result)) return undefined;
  if (Array.isArray(result['matches'])) return { list: result['matches'], read: readGrype };
  if (Array.isArray(result['findings'])) return { list: result['findings'], read: readOwn };
  const targets = result['Results'];
  // Trivy leaves the list out when it found nothing to look at; its version is always there.
  if (targets === undefined)
    return typeof result['SchemaVersion'] === 'number' ? { list: [], read: readTrivy } : undefined;
  if (!Array.isArray(targets)) return undefined;
  const groups = targets.map(target => at(target, 'Vulnerabilities') ?? []);
  return groups.every(Array.isArray) ? { list: groups.flat() as unknown[], read: readTrivy } : undefined;
}

function readTrivy(entry: unknown): ScanFinding | undefined {
  const layer = textAt(entry, 'Layer', 'DiffID');
  return finding(textAt(entry, 'VulnerabilityID'), {
    severity: severityFrom(textAt(entry, 'Severity')),
    package: textAt(entry, 'PkgName'),
    version: textAt(entry, 'InstalledVersion'),
    fixedIn: textAt(entry, 'FixedVersion'),
    layers: layer === undefined ? [] : [layer],
  });
}

function readGrype(entry: unknown): ScanFinding | undefined {
  const fixes = listAt(entry, 'vulnerability', 'fix', 'versions').filter(one => typeof one === 'string');
  return finding(textAt(entry, 'vulnerability', 'id'), {
    severity: severityFrom(textAt(entry, 'vulnerability', 'severity')),
    package: textAt(entry, 'artifact', 'name'),
    version: textAt(entry, 'artifact', 'version'),
    fixedIn:
      textAt(entry, 'vulnerability', 'fix', 'state') === 'fixed'
        ? fixes.join(', ') || 'a later version'
        : undefined,
    layers: listAt(entry, 'artifact', 'locations').flatMap(place => textAt(place, 'layerID') ?? []),
  });
}

/** Our own report (`scan-report/v1`). What its waivers say of a finding is not the gate's opinion, so all of them count. */
function readOwn(entry: unknown): ScanFinding | undefined {
  const layer = textAt(entry, 'pkg', 'layer', 'diffId');
  const inherited = at(entry, 'pkg', 'layer', 'inherited');
  const versions = listAt(entry, 'fix', 'versions').filter(one => typeof one === 'string');
  const hasFix = at(entry, 'fix', 'available') === true || versions.length > 0;
  return finding(textAt(entry, 'id'), {
    severity: severityFrom(textAt(entry, 'effective', 'severity')),
    package: textAt(entry, 'pkg', 'name'),
    version: textAt(entry, 'pkg', 'version'),
    fixedIn: hasFix ? versions.join(', ') || 'a later version' : undefined,
    layers: layer === undefined ? [] : [layer],
    ...(typeof inherited === 'boolean' && { inherited }),
  });
}

function readInToto(entry: unknown): ScanFinding | undefined {
  const levels = listAt(entry, 'severity').map(one => severityFrom(textAt(one, 'score') ?? at(one, 'score')));
  const known = levels.filter(level => level !== undefined);
  return finding(textAt(entry, 'id'), { severity: worst(known), layers: [] });
}

function finding(
  id: string | undefined,
  facts: { readonly [K in keyof Omit<ScanFinding, 'id'>]: ScanFinding[K] | undefined },
): ScanFinding | undefined {
  if (id === undefined || id === '') return undefined;
  const { severity, layers, inherited } = facts;
  const text = (name: 'package' | 'version' | 'fixedIn') => {
    const value = facts[name];
    return value !== undefined && value !== '' && { [name]: shorten(value) };
  };
  return {
    id: shorten(id, 100),
    severity,
    layers: layers ?? [],
    ...text('package'),
    ...text('version'),
    ...text('fixedIn'),
    ...(inherited !== undefined && { inherited }),
  };
}

/** A word, or a CVSS score; undefined when nobody knows. */
function severityFrom(value: unknown): Severity | undefined {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  const named = readSeverity(word);
  if (named !== 'unknown') return named;
  const score =
    typeof value === 'number' ? value : /^\d{1,2}(?:\.\d+)?$/.test(word) ? Number(word) : undefined;
  if (score === undefined) return undefined;
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  return score >= 4 ? 'medium' : 'low';
}

function worst(levels: readonly Severity[]): Severity | undefined {
  const highest = highestSeverity(levels);
  return highest === 'unknown' ? undefined : highest;
}

function scannerOf(predicate: unknown, result: unknown): string {
  const uri = textAt(predicate, 'scanner', 'uri') ?? '';
  if (/trivy/i.test(uri) || (isObject(result) && 'SchemaVersion' in result && 'Results' in result))
    return 'trivy';
  if (/grype/i.test(uri) || textAt(result, 'descriptor', 'name') === 'grype') return 'grype';
  const name = uri
    .replace(/[?#].*$/, '')
    .replace(/(?<=.)@[^/]*$/, '')
    .split('/')
    .filter(Boolean)
    .at(-1);
  // The name goes into commands that people copy.
  return (name ?? 'unknown').slice(0, 60).replaceAll(/[^A-Za-z0-9._-]/g, '-');
}

function databaseTime(predicate: unknown, result: unknown): number | undefined {
  const version = textAt(predicate, 'scanner', 'db', 'version') ?? '';
  const inVersion = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/.exec(version)?.[0];
  return (
    timeAt(predicate, 'scanner', 'db', 'lastUpdate') ??
    timeAt({ inVersion }, 'inVersion') ??
    timeAt(result, 'descriptor', 'db', 'status', 'built') ??
    timeAt(result, 'descriptor', 'db', 'built')
  );
}

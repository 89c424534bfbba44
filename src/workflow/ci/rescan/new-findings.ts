import type { Finding, ScanReport } from '../../../model/finding.ts';
import type { Severity } from '../../../model/severity.ts';

/** A flaw of an image, as people are told of it. */
export interface Flaw {
  readonly id: string;
  readonly severity: Severity;
  readonly package: string;
  readonly version: string;
  readonly fixedIn: readonly string[];
}

export interface ComparedFindings {
  /** `CVE package version` of everything that is open. */
  readonly all: readonly string[];
  readonly added: readonly Flaw[];
  /** What was known, and is no finding any more. */
  readonly gone: readonly string[];
}

/** What nobody knew before; one that was known under another of its names is not new. */
export function compareFindings(
  reports: readonly ScanReport[],
  known: { has(key: string): boolean; keys(): Iterable<string> },
): ComparedFindings {
  const open = reports.flatMap(({ findings }) =>
    findings.filter(({ disposition }) => disposition.kind === 'open'),
  );
  const byKey = new Map(open.map(finding => [keyOf(finding.id, finding), finding]));
  const names = new Set(open.flatMap(finding => namesOf(finding)));
  const added = [...byKey.values()].filter(finding => !namesOf(finding).some(name => known.has(name)));
  return {
    all: [...byKey.keys()].toSorted(),
    added: added.map(toFlaw).toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    gone: [...known.keys()].filter(name => !names.has(name)).toSorted(),
  };
}

function namesOf(finding: Finding): readonly string[] {
  return [finding.id, ...finding.aliases].map(id => keyOf(id, finding));
}

function keyOf(id: string, { pkg }: Finding): string {
  return `${id} ${pkg.name} ${pkg.version}`;
}

function toFlaw({ id, effective, pkg, fix }: Finding): Flaw {
  return {
    id,
    severity: effective.severity,
    package: pkg.name,
    version: pkg.version,
    fixedIn: fix.versions,
  };
}

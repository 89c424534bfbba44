import type { Cause } from '../../../model/cause.ts';
import { severityRank } from '../../../model/severity.ts';
import { acceptedAttestations } from '../evidence/accept.ts';
import { quote } from '../evidence/read.ts';
import { latestScans, type Scan, type ScanFinding } from '../evidence/scans.ts';
import type { ComponentEvidence } from '../gate-input.ts';
import { scanDemand } from '../policy.ts';
import { type Examination, type Objection, type Rule, type Subject, textsOf } from '../rule.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What scanners found, how fresh that is, and who looked. */
export const vulnerabilityRules: readonly Rule[] = [
  {
    code: 'cve.cve_results_found',
    title: 'CVE scan results found',
    description: 'There is a signed scan that can be read.',
    solution: 'cg scan IMAGE, then cg attest IMAGE --predicate vuln=scan.json',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'scan-missing',
    examine: subject => {
      const scans = scansOf(subject);
      const readable = scans.filter(({ problem }) => problem === undefined);
      const objections =
        readable.length > 0
          ? []
          : [
              {
                message: 'CVE scan results were not found',
                wanted: 'a scan by an accepted signer',
                got: scans[0]?.problem ?? 'none',
              },
            ];
      return { ...about(scans), examined: Math.max(1, scans.length), objections };
    },
  },
  {
    code: 'cve.cve_blockers',
    title: 'Blocking CVE check',
    description: 'No vulnerability with a known fix has a level of restrict_cve_security_levels.',
    solution: 'Upgrade the package, or the base image that brings it.',
    collections: ['minimal', 'redhat'],
    kind: 'forbids',
    cause: 'finding',
    vain: 'scan-missing',
    dependsOn: ['cve.cve_results_found'],
    examine: subject => examineCves(subject, 'restrict_cve_security_levels', ['critical', 'high'], true),
  },
  {
    code: 'cve.unpatched_cve_blockers',
    title: 'Blocking unpatched CVE check',
    description:
      'No vulnerability without a known fix has a level of restrict_unpatched_cve_security_levels.',
    solution: 'Remove the package, or accept the risk for a limited time.',
    collections: ['minimal', 'redhat'],
    kind: 'forbids',
    cause: 'finding',
    vain: 'scan-missing',
    dependsOn: ['cve.cve_results_found'],
    examine: subject => examineCves(subject, 'restrict_unpatched_cve_security_levels', [], false),
  },
  {
    code: 'cve.cve_warnings',
    title: 'Non-blocking CVE check',
    description: 'Vulnerabilities with a known fix of the levels of warn_cve_security_levels.',
    solution: 'Upgrade the package, or the base image that brings it.',
    collections: ['minimal', 'redhat'],
    kind: 'forbids',
    severity: 'warning',
    dependsOn: ['cve.cve_results_found'],
    examine: subject => examineCves(subject, 'warn_cve_security_levels', [], true),
  },
  {
    code: 'cve.unpatched_cve_warnings',
    title: 'Non-blocking unpatched CVE check',
    description: 'Vulnerabilities without a known fix of the levels of warn_unpatched_cve_security_levels.',
    solution: 'Remove the package, or wait for a fix.',
    collections: ['minimal', 'redhat'],
    kind: 'forbids',
    severity: 'warning',
    dependsOn: ['cve.cve_results_found'],
    examine: subject =>
      examineCves(subject, 'warn_unpatched_cve_security_levels', ['critical', 'high'], false),
  },
  {
    code: 'vuln.threshold',
    title: 'No vulnerability above the threshold',
    description:
      'No scanner reports a vulnerability of the level at which the policy says no. A scan that cannot be read is a no.',
    solution: 'Upgrade the package, or the base image that brings it.',
    collections: ['cascadeguard'],
    kind: 'forbids',
    cause: 'finding',
    vain: 'scan-missing',
    examine: examineThreshold,
  },
  {
    code: 'vuln.scan_fresh',
    title: 'Scans are fresh',
    description: 'Every scan is younger than the policy demands, and so was the data of its scanner.',
    solution: 'Scan again.',
    collections: ['cascadeguard'],
    kind: 'forbids',
    cause: 'scan-stale',
    vain: 'scan-missing',
    examine: subject => {
      const scans = scansOf(subject);
      return { ...about(scans), objections: scans.flatMap(scan => objectToAge(scan, subject)) };
    },
  },
  {
    code: 'vuln.both_scanners',
    title: 'Every scanner looked',
    description:
      'There is a readable scan of each scanner that the policy names; Trivy and Grype unless it names others.',
    solution: 'Scan with the scanner that is missing.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'scan-missing',
    examine: subject => {
      const scans = scansOf(subject);
      const have = new Set(
        scans.filter(({ problem }) => problem === undefined).map(({ scanner }) => scanner),
      );
      const missing = wantedScanners(subject).filter(scanner => !have.has(scanner));
      return {
        ...about(scans),
        objections: missing.map(scanner => ({
          message: `There is no readable scan by ${scanner}`,
          term: scanner,
          wanted: wantedScanners(subject).join(' and '),
          got: [...have].join(' and ') || 'none',
        })),
      };
    },
  },
];

/** By those whom the policy believes and by those whom its demand of scans names: neither hides what the other found. */
function scansOf({ attestations, component: { items }, policy }: Subject): readonly Scan[] {
  const own = latestScans(attestations);
  const demand = policy.requirements.find(({ scan }) => scan !== undefined);
  if (demand === undefined) return own;
  const named = latestScans(acceptedAttestations(items, policy, demand.by));
  // An id alone does not tell apart what the trial of a fix made up.
  return [...new Map([...named, ...own].map(scan => [`${scan.scanner} ${scan.evidence}`, scan])).values()];
}

export function wantedScanners({ policy }: Pick<Subject, 'policy'>): readonly string[] {
  const { scanners } = scanDemand(policy);
  return scanners.length > 0 ? scanners : ['trivy', 'grype'];
}

/** Whether the package comes from the base image; undefined when nobody can say. */
export function isInherited(finding: ScanFinding, { base }: ComponentEvidence): boolean | undefined {
  if (finding.inherited !== undefined) return finding.inherited;
  if (base?.diffIds === undefined || finding.layers.length === 0) return undefined;
  const fromBase = new Set(base.diffIds);
  return finding.layers.every(layer => fromBase.has(layer));
}

function examineThreshold(subject: Subject): Examination {
  const scans = scansOf(subject);
  const { failOn, fixableOnly } = scanDemand(subject.policy);
  const objections = scans.flatMap(({ evidence, scanner, problem, findings }): Objection[] => {
    if (problem !== undefined)
      return [
        {
          message: `A scan by ${scanner} cannot be read: ${problem}`,
          cause: 'scan-missing',
          evidence: [evidence],
        },
      ];
    return (
      findings
        .filter(({ fixedIn }) => !fixableOnly || fixedIn !== undefined)
        // A level that the scanner does not know could be any.
        .filter(({ severity = 'critical' }) => severityRank(severity) >= severityRank(failOn))
        .map(finding => ({
          ...describeFinding(finding, subject),
          wanted: `nothing ${failOn} or worse${fixableOnly ? ' that has a fix' : ''}`,
          evidence: [evidence],
        }))
    );
  });
  return { ...about(scans), objections: perTerm(objections) };
}

function describeFinding(finding: ScanFinding, { component }: Subject): Objection {
  const { id, severity = 'unknown', fixedIn } = finding;
  const what = `${finding.package ?? 'a package'} ${finding.version ?? ''}`.trim();
  const isFromBase = isInherited(finding, component);
  const from = isFromBase === undefined ? '' : isFromBase ? ' from the base image' : ' of ours';
  const fix = fixedIn === undefined ? 'no fix is known' : `fixed in ${fixedIn}`;
  return {
    message: `Found ${quote(id)} vulnerability of ${severity} level in ${what}${from}; ${fix}`,
    cause: causeOfFinding(fixedIn !== undefined, isFromBase),
    term: id,
    got: `${what}, ${fix}`,
  };
}

function causeOfFinding(hasFix: boolean, isFromBase: boolean | undefined): Cause {
  if (!hasFix) return 'finding-without-fix';
  if (isFromBase === undefined) return 'finding';
  return isFromBase ? 'finding-from-base' : 'finding-of-ours';
}

function examineCves(
  subject: Subject,
  key: string,
  fallback: readonly string[],
  hasFix: boolean,
): Examination {
  const levels = textsOf(subject, key, fallback).map(level => level.toLowerCase());
  const scans = scansOf(subject);
  const word = hasFix ? 'vulnerability' : 'unpatched vulnerability';
  const objections = scans.flatMap(({ findings, evidence }) =>
    findings
      .filter(({ fixedIn }) => (fixedIn !== undefined) === hasFix)
      .filter(({ severity = 'unknown' }) => levels.includes(severity))
      .map(finding => ({
        ...describeFinding(finding, subject),
        message: `Found ${quote(finding.id)} ${word} of ${finding.severity ?? 'unknown'} security level`,
        evidence: [evidence],
      })),
  );
  return { ...about(scans), objections: perTerm(objections) };
}

function objectToAge(
  { scanner, finishedOn, databaseOf, evidence, problem }: Scan,
  { policy, time }: Subject,
): Objection[] {
  const { maxAge, maxDatabaseAge } = scanDemand(policy);
  const on = { term: scanner, evidence: [evidence] };
  if (finishedOn === undefined || problem !== undefined)
    return [{ message: `A scan by ${scanner} cannot be read: ${problem ?? 'no time'}`, ...on }];
  // The clocks of two machines may differ a little.
  if (finishedOn > time + 5 * minute)
    return [
      {
        message: `The scan by ${scanner} finished in the future`,
        wanted: `before ${isoOf(time)}`,
        got: isoOf(finishedOn),
        ...on,
      },
    ];
  if (time - finishedOn > maxAge) {
    return [
      {
        message: `The scan by ${scanner} is ${hoursOf(time - finishedOn)} old`,
        wanted: `at most ${hoursOf(maxAge)}`,
        got: `finished ${isoOf(finishedOn)}`,
        ...on,
      },
    ];
  }
  if (maxDatabaseAge === 0) return [];
  if (databaseOf === undefined) {
    return [
      {
        message: `The scan by ${scanner} does not say how old its data was`,
        wanted: 'scanner.db.version with a time',
        got: 'none',
        ...on,
      },
    ];
  }
  if (finishedOn - databaseOf <= maxDatabaseAge) return [];
  return [
    {
      message: `The data of the scan by ${scanner} was ${hoursOf(finishedOn - databaseOf)} old`,
      wanted: `at most ${hoursOf(maxDatabaseAge)}`,
      got: `built ${isoOf(databaseOf)}`,
      ...on,
    },
  ];
}

function about(scans: readonly Scan[]): { examined: number; evidence: readonly string[] } {
  return { examined: scans.length, evidence: scans.map(({ evidence }) => evidence) };
}

/** Two scanners that found the same thing are one sentence, which names both pieces of evidence. */
function perTerm(objections: readonly Objection[]): Objection[] {
  const merged = new Map<string, Objection>();
  for (const one of objections) {
    const key = `${one.term ?? ''}\n${one.message}`;
    const before = merged.get(key);
    merged.set(
      key,
      before === undefined
        ? one
        : { ...before, evidence: [...new Set([...(before.evidence ?? []), ...(one.evidence ?? [])])] },
    );
  }
  return [...merged.values()];
}

function isoOf(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function hoursOf(milliseconds: number): string {
  if (milliseconds < hour) return `${Math.floor(milliseconds / 60_000)}m`;
  return `${Math.floor(milliseconds / hour)}h`;
}

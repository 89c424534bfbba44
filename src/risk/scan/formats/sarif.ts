import { createHash } from 'node:crypto';
import type { Finding, ScanReport } from '../../../model/finding.ts';
import type { Severity } from '../../../model/severity.ts';

const scores: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.5',
  negligible: '0.1',
  unknown: '0.1',
};
const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  negligible: 'note',
  unknown: 'warning',
};
/** GitHub takes no more results in one run. */
const mostResults = 25_000;

/** SARIF 2.1.0: one run for each image, one rule for each vulnerability. */
export function writeSarif(reports: readonly ScanReport[], version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: reports.map(report => toRun(report, version)),
  };
}

function toRun(report: ScanReport, version: string): object {
  const findings = report.findings.slice(0, mostResults);
  const ids = [...new Set(findings.map(({ id }) => id))];
  const places = new Map(ids.map((id, place) => [id, place]));
  const line = imageLine(report.subject.name);
  return {
    tool: {
      driver: {
        name: 'cascadeguard',
        version,
        rules: ids.map(id => toRule(findings.filter(finding => finding.id === id))),
      },
    },
    automationDetails: { id: `cg/${line}/` },
    results: findings.map(finding => toResult(finding, places.get(finding.id) ?? 0, line)),
    invocations: [
      {
        executionSuccessful: report.verdict.status !== 'indeterminate',
        toolExecutionNotifications: report.engines
          .filter(({ outcome }) => outcome !== 'ok' && outcome !== 'absent')
          .map(({ id, outcome, detail = '' }) => ({
            level: 'error',
            message: { text: `${id}: ${outcome}: ${detail}` },
          })),
      },
    ],
  };
}

function toRule(findings: readonly Finding[]): object {
  const [first] = findings;
  const { id = '', title } = first ?? {};
  const severity = first?.effective.severity ?? 'unknown';
  const fixes = findings.map(
    ({ pkg, fix }) =>
      `- ${plain(pkg.name)} ${plain(pkg.version)} → ${plain(fix.versions.join(' or ') || 'no fix')}`,
  );
  return {
    id,
    shortDescription: { text: plain(title ?? id) },
    helpUri: advisoryUrl(id),
    help: { text: fixes.join('\n'), markdown: fixes.slice(0, 50).join('\n') },
    properties: { 'security-severity': scoreOf(first), tags: ['security', 'vulnerability', severity] },
  };
}

/** Where people read about it. */
export function advisoryUrl(id: string): string {
  return id.startsWith('CVE-')
    ? `https://nvd.nist.gov/vuln/detail/${encodeURIComponent(id)}`
    : `https://osv.dev/vulnerability/${encodeURIComponent(id)}`;
}

function scoreOf(finding: Finding | undefined): string {
  const severity = finding?.effective.severity ?? 'unknown';
  const score = finding?.claims.find(claim => claim.severity === severity && claim.cvss.length > 0)?.cvss[0]
    ?.score;
  return score === undefined ? scores[severity] : score.toFixed(1);
}

function toResult(finding: Finding, ruleIndex: number, line: string): object {
  const { id, pkg, fix, effective, claims, disposition } = finding;
  // Without the version: an upgrade that does not fix is the same alert.
  const print = createHash('sha256').update(`${id}|${pkg.type}/${pkg.name}|${line}`).digest('hex');
  const fixed = fix.available ? `fixed in ${fix.versions.join(' or ')}` : 'no fix';
  const engines = claims.map(({ engine }) => engine).join(', ');
  return {
    ruleId: id,
    ruleIndex,
    level: levels[effective.severity],
    message: {
      text: plain(`${pkg.name} ${pkg.version}: ${effective.severity} ${id}, ${fixed}; says ${engines}`),
    },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: pkg.locations[0] ?? line }, region: { startLine: 1 } },
        logicalLocations: [
          { fullyQualifiedName: pkg.purl, kind: 'package' },
          ...(pkg.layer === undefined ? [] : [{ fullyQualifiedName: pkg.layer.diffId, kind: 'layer' }]),
        ],
      },
    ],
    partialFingerprints: { 'cgFinding/v1': print, primaryLocationLineHash: `${print}:1` },
    ...(disposition.kind !== 'open' && {
      suppressions: [{ kind: 'external', justification: plain(disposition.statement ?? disposition.kind) }],
    }),
  };
}

/** The repository without tag and digest. */
export function imageLine(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

/** Advisory text is not ours: no mentions, no links, no markup. */
export function plain(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .replace(/[<>[\]()`@!]/g, '')
    .slice(0, 1_000);
}

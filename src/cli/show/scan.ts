import { formatCount } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { formatTable } from '../../ground/terminal/table.ts';
import { type Severity, severities } from '../../model/severity.ts';
import type { ScannedImage } from '../../workflow/scan-image.ts';
import { type Finding, type ScanReport, type ScanRule, scanActions } from '../../workflow/scan-image.ts';

const shownFindings = 40;

/** What to do comes first, then why, then what was looked at and by whom. */
export function renderScan(scan: ScannedImage, style: Style): string {
  const verdicts = {
    allow: style.green('✓ allow'),
    deny: style.red('✗ deny'),
    indeterminate: style.yellow('? no verdict'),
  };
  const blocks = scan.reports.map(report => renderReport(report, style));
  return [`${verdicts[scan.verdict.status]}  ${escapeLine(scan.reference)}`, ...blocks].join('\n\n');
}

function renderReport(report: ScanReport, style: Style): string {
  const { subject, verdict } = report;
  const head = [subject.platform, subject.digest].filter(each => each !== undefined).join('  ');
  return [
    ...(head === '' ? [] : [style.bold(escapeLine(head))]),
    ...section('What to do', actionLines(report), style),
    ...section(
      verdict.status === 'deny' ? 'Unknown as well' : 'No verdict because',
      openRules(verdict.rules),
      style,
    ),
    ...section('Blocks', findingTable(blockingOf(report), style), style),
    ...section('Beside that', summaryLines(report), style),
    ...section('Looked at', engineLines(report, style), style),
  ].join('\n');
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : [style.bold(title), ...lines];
}

function actionLines(report: ScanReport): readonly string[] {
  const actions = scanActions(report);
  return actions.slice(0, 10).map(({ what, removes }) => `  → ${escapeLine(what)}  (${removes})`);
}

function openRules(rules: readonly ScanRule[]): readonly string[] {
  return rules
    .filter(({ result }) => result === 'indeterminate')
    .map(({ id, reason = '' }) => `  ? ${id}: ${escapeLine(reason)}`);
}

function blockingOf({ verdict, findings }: ScanReport): readonly Finding[] {
  const keys = new Set(verdict.rules.flatMap(rule => (rule.result === 'fail' ? rule.findings : [])));
  return findings.filter(({ key }) => keys.has(key));
}

function findingTable(findings: readonly Finding[], style: Style): readonly string[] {
  if (findings.length === 0) return [];
  const rows = findings
    .slice(0, shownFindings)
    .map(finding => [
      colour(finding.effective.severity, style),
      escapeLine(finding.id),
      escapeLine(finding.pkg.name),
      `${escapeLine(finding.pkg.version)} → ${escapeLine(finding.fix.versions[0] ?? 'no fix')}`,
      escapeLine(finding.pkg.layer?.inherited === true ? 'from the base' : ''),
      `${finding.kev === undefined ? '' : 'exploited; '}says ${finding.claims.map(({ engine }) => engine).join(', ')}`,
    ]);
  const more = findings.length - shownFindings;
  return [formatTable(rows, '  ', style.columns), ...(more > 0 ? [`  and ${more} more: --output json`] : [])];
}

function colour(severity: Severity, style: Style): string {
  if (severity === 'critical' || severity === 'high') return style.red(severity);
  return severity === 'medium' ? style.yellow(severity) : severity;
}

/** Never a bare "0 findings": with how many packages, and what was not covered. */
function summaryLines({ findings, coverage, waivers, inventory, engines }: ScanReport): readonly string[] {
  if (!engines.some(({ outcome }) => outcome === 'ok')) {
    return [`  ${formatCount(coverage.packages, 'package')}, and nobody looked them up`];
  }
  const open = findings.filter(({ disposition }) => disposition.kind === 'open');
  const counts = severities
    .toReversed()
    .flatMap(level => {
      const count = open.filter(({ effective }) => effective.severity === level).length;
      return count === 0 ? [] : [`${count} ${level}`];
    })
    .join(', ');
  const unfixed = open.filter(({ fix }) => !fix.available).length;
  const waived = findings.length - open.length;
  const differ = findings.filter(
    ({ disagreement }) => disagreement !== undefined && disagreement.kind !== 'both',
  ).length;
  return [
    `  ${formatCount(open.length, 'finding')} in ${formatCount(coverage.packages, 'package')}${counts === '' ? '' : `: ${counts}`}`,
    ...(unfixed > 0 ? [`  ${unfixed} without a fix`] : []),
    ...(waived > 0 ? [`  ${waived} waived or suppressed`] : []),
    ...(differ > 0 ? [`  ${differ} about which the engines differ`] : []),
    ...waivers
      .filter(({ state }) => state === 'expired')
      .map(
        ({ id, owner, expires }) =>
          `  the waiver of ${escapeLine(id)} (${escapeLine(owner)}) expired on ${expires.slice(0, 10)}`,
      ),
    ...(coverage.withoutFeed.length > 0
      ? [`  no advisories for ${escapeLine(coverage.withoutFeed.join(', '))}`]
      : []),
    ...inventory.problems.slice(0, 3).map(problem => `  not read: ${escapeLine(problem)}`),
  ];
}

function engineLines({ engines, opinions }: ScanReport, style: Style): readonly string[] {
  const rows = engines.map(({ id, version, outcome, detail, db, lineage, unverified }) => [
    outcome === 'ok' ? style.green('✓') : outcome === 'absent' ? style.dim('-') : style.red('✗'),
    `${id} ${escapeLine(version)}`.trim(),
    outcome === 'ok'
      ? `${escapeLine(lineage.join(', '))} of ${escapeLine((db?.builtAt ?? '').slice(0, 16))}Z${unverified === true ? ', unverified' : ''}`
      : `${outcome}: ${escapeLine(detail ?? '')}`,
  ]);
  return [formatTable(rows, '  ', style.columns), `  ${opinions}`];
}

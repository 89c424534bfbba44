import { quoteXml, writeCdata } from '../../../ground/terminal/xml-text.ts';
import type { Finding, ScanReport, ScanRule } from '../../../model/finding.ts';
import { endOf, toSeconds } from './gitlab.ts';

interface Case {
  readonly name: string;
  readonly group: string;
  readonly kind?: 'failure' | 'error' | 'skipped';
  readonly message?: string;
  readonly details?: string;
}

/** JUnit XML: a suite for each image and platform, a case for each rule and whatever it blocks. */
export function writeJunit(reports: readonly ScanReport[]): string {
  const all = reports.flatMap(casesOf);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${countsOf(all)}>`,
    ...reports.flatMap(renderSuite),
    '</testsuites>',
    '',
  ].join('\n');
}

function renderSuite(report: ScanReport): readonly string[] {
  const { subject, engines } = report;
  const platform = subject.platform === undefined ? '' : ` (${subject.platform})`;
  const cases = casesOf(report);
  const time = toSeconds(endOf(engines));
  return [
    `  <testsuite name="${quoteXml(subject.name + platform)}" ${countsOf(cases)} timestamp="${time}">`,
    ...cases.map(renderCase),
    '  </testsuite>',
  ];
}

function countsOf(cases: readonly Case[]): string {
  const count = (wanted: Case['kind']) => cases.filter(({ kind }) => kind === wanted).length;
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
}

function renderCase({ name, group, kind, message = '', details = message }: Case): string {
  const inner =
    kind === undefined ? '' : `<${kind} message="${quoteXml(message)}">${writeCdata(details)}</${kind}>`;
  return `    <testcase name="${quoteXml(name)}" classname="${quoteXml(group)}">${inner}</testcase>`;
}

function casesOf(report: ScanReport): readonly Case[] {
  const { verdict, engines, findings } = report;
  const unheard = engines.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'absent');
  return [
    ...verdict.rules.flatMap(rule => casesOfRule(rule, findings)),
    ...unheard.map(
      ({ id, outcome, detail = '' }): Case => ({
        name: id,
        group: 'engine',
        kind: 'error',
        message: outcome,
        details: `${outcome}: ${detail}`,
      }),
    ),
    ...findings
      .filter(({ disposition }) => disposition.kind !== 'open')
      .map(
        (finding): Case => ({
          name: nameOf(finding),
          group: finding.disposition.kind,
          kind: 'skipped',
          message: finding.disposition.statement ?? finding.disposition.kind,
        }),
      ),
  ];
}

function casesOfRule(
  { id, result, reason = result, findings: keys }: ScanRule,
  all: readonly Finding[],
): Case[] {
  if (result === 'pass') return [{ name: id, group: 'rule' }];
  if (result === 'indeterminate') return [{ name: id, group: 'rule', kind: 'error', message: reason }];
  const blocking = new Set(keys);
  const found = all.filter(({ key }) => blocking.has(key));
  if (found.length === 0) return [{ name: id, group: 'rule', kind: 'failure', message: reason }];
  return found.map(finding => ({
    name: nameOf(finding),
    group: id,
    kind: 'failure',
    message: `${finding.effective.severity}: ${finding.title ?? finding.id}`,
    details: [
      reason,
      finding.fix.available ? `fixed in ${finding.fix.versions.join(' or ')}` : 'no fix',
      `says ${finding.claims.map(({ engine }) => engine).join(', ')}`,
    ].join('\n'),
  }));
}

function nameOf({ id, pkg }: Finding): string {
  return `${id} in ${pkg.name} ${pkg.version}`;
}

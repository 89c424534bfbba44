import type { Finding, ScanReport } from '../../model/finding.ts';
import { sortVersions } from './merge/merge.ts';

/** One thing to do, and how much it removes. */
export interface ScanAction {
  readonly what: string;
  readonly removes: string;
}

/** The fewest things to do about what blocks: one for each package, the base image first, because that is one line. */
export function scanActions(report: ScanReport): readonly ScanAction[] {
  const { findings, verdict, engines } = report;
  const keys = new Set(verdict.rules.flatMap(rule => (rule.result === 'fail' ? rule.findings : [])));
  const blocking = findings.filter(({ key }) => keys.has(key));
  const inherited = blocking.filter(({ pkg, fix }) => pkg.layer?.inherited === true && fix.available);
  const own = blocking.filter(finding => !inherited.includes(finding));
  const actions = [
    ...(inherited.length > 0
      ? [
          {
            what: `rebuild on a newer base image: ${describeUpgrades(inherited)}`,
            removes: countFindings(inherited),
          },
        ]
      : []),
    ...byPackage(own).map(toAction),
  ];
  if (actions.length > 0) return actions;
  return verdict.status === 'indeterminate'
    ? [{ what: nextStep(engines), removes: 'then there is a verdict' }]
    : [];
}

function toAction(findings: readonly Finding[]): ScanAction {
  const [first] = findings;
  const name = `${first?.pkg.source?.name ?? first?.pkg.name} (${first?.pkg.type})`;
  const isFixable = findings.every(({ fix }) => fix.available);
  const what = isFixable
    ? `upgrade ${describeUpgrades(findings)}`
    : `replace or waive ${name}: ${findings
        .map(({ id }) => id)
        .slice(0, 3)
        .join(', ')} has no fix`;
  return { what, removes: countFindings(findings) };
}

/** Binary packages of one source are upgraded together. */
function byPackage(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { pkg } = finding;
    const key = `${pkg.type}|${pkg.source?.name ?? pkg.name}|${finding.fix.available}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()];
}

function describeUpgrades(findings: readonly Finding[]): string {
  const needed = byPackage(findings).map(group => {
    const [first] = group;
    const type = first?.pkg.type ?? '';
    // The lowest version that has the fix of each of them.
    const version = sortVersions(
      group.flatMap(({ fix }) => fix.versions.slice(0, 1)),
      type,
    ).at(-1);
    return `${first?.pkg.source?.name ?? first?.pkg.name} to ${version}`;
  });
  const more = needed.length - 5;
  return needed.slice(0, 5).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function countFindings(findings: readonly Finding[]): string {
  const ids = new Set(findings.map(({ id }) => id));
  return `removes ${[...ids].slice(0, 3).join(', ')}${ids.size > 3 ? ` and ${ids.size - 3} more` : ''}`;
}

function nextStep(engines: ScanReport['engines']): string {
  const embedded = engines.find(({ id }) => id === 'embedded');
  const heard = engines.filter(({ outcome }) => outcome === 'ok');
  const untrusted = engines.filter(({ outcome }) => outcome === 'untrusted-binary').map(({ id }) => id);
  if (untrusted.length > 0) {
    return `vouch for ${untrusted.join(' and ')} in .cascadeguard/tools.lock.json, or name the other engines with --engine`;
  }
  if (heard.some(({ unverified }) => unverified === true))
    return 'vouch for the scanners in .cascadeguard/tools.lock.json';
  if (embedded !== undefined && embedded.outcome !== 'ok') return 'cg db update, or cg db import FOLDER';
  const stale = engines.filter(({ outcome }) => outcome === 'stale-db').map(({ id }) => id);
  if (stale.length > 0) return `bring the data of ${stale.join(' and ')} up to date`;
  if (heard.length === 1) return 'install a second scanner, or accept one opinion with --require 1-engine';
  return 'see what each engine says below';
}

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
  return verdict.status === 'indeterminate' ? obstacles(engines) : [];
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

/** What keeps each engine from being heard; which of it is enough, the policy says. */
function obstacles(engines: ScanReport['engines']): readonly ScanAction[] {
  const steps = engines.flatMap(engine => {
    const step = stepFor(engine);
    return step === undefined ? [] : [{ what: step, removes: `then ${engine.id} is heard` }];
  });
  const heard = engines.filter(({ outcome }) => outcome === 'ok');
  if (heard.length !== 1) return steps;
  return [
    ...steps,
    { what: `accept what ${heard[0]?.id} says alone: --require 1-engine`, removes: 'one opinion' },
  ];
}

function stepFor({ id, outcome, detail, unverified }: ScanReport['engines'][number]): string | undefined {
  switch (outcome) {
    case 'ok':
      return unverified === true ? `say that ${id} may run: cg tools lock ${id}` : undefined;
    case 'absent':
      return id === 'embedded' ? refresh[id] : `install ${id}`;
    case 'untrusted-binary':
      return `say that ${id} may run (cg tools lock ${id}), or name the other engines with --engine`;
    case 'stale-db':
      return refresh[id] ?? `bring the data of ${id} up to date`;
    case 'no-coverage':
      return id === 'embedded' ? refresh[id] : undefined;
    case 'error':
    case 'timeout':
    case 'bad-report':
      return `see why ${id} failed: ${(detail ?? outcome).split('\n')[0]?.slice(0, 200)}`;
  }
}

/** Each keeps its data in a place of its own. */
const refresh: Readonly<Record<string, string>> = {
  embedded: 'cg db update, or cg db import FOLDER',
  trivy: 'bring the data of trivy up to date: trivy image --download-db-only',
  grype: 'bring the data of grype up to date: grype db update',
};

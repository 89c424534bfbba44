import type { Finding, ScanEngineRun, ScanReport } from '../../model/finding.ts';

/**
 * What was found in any image of an index, as one report about the index: whoever asks the index alone must not see
 * the flaws of one platform only. Only engines that looked at every image speak for all of them.
 */
export function joinReports(reports: readonly ScanReport[], digest: string): ScanReport | undefined {
  const [first, ...others] = reports;
  if (first === undefined) return undefined;
  const findings = new Map<string, Finding>();
  for (const finding of reports.flatMap(report => report.findings)) {
    const known = findings.get(finding.key);
    findings.set(finding.key, known === undefined ? finding : joinClaims(known, finding));
  }
  return {
    ...first,
    subject: { name: first.subject.name.replace(/@.*$/, `@${digest}`), digest },
    engines: first.engines.flatMap(run => {
      const runs = [run, ...others.flatMap(({ engines }) => engines.filter(({ id }) => id === run.id))];
      const isHeard = runs.length === reports.length && runs.every(({ outcome }) => outcome === 'ok');
      return isHeard ? [oldest(runs, run)] : [];
    }),
    findings: [...findings.values()],
  };
}

/** It is as old as the oldest scan in it, and belongs to no report of the engine's own. */
function oldest(runs: readonly ScanEngineRun[], run: ScanEngineRun): ScanEngineRun {
  const first = runs.toSorted((a, b) => (a.finishedAt < b.finishedAt ? -1 : 1))[0] ?? run;
  const { rawDigest: _rawDigest, argv: _argv, ...rest } = first;
  return rest;
}

function joinClaims(known: Finding, other: Finding): Finding {
  const said = new Set(known.claims.map(({ engine }) => engine));
  const more = other.claims.filter(({ engine }) => !said.has(engine));
  return more.length === 0 ? known : { ...known, claims: [...known.claims, ...more] };
}

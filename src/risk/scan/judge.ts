import type { EngineStatus, Finding, ScanRule, ScanVerdict } from '../../model/finding.ts';
import type { EngineRun } from './engine.ts';
import { blockReason, digestPolicy, type ScanPolicy } from './policy.ts';
import type { Silence } from './silence.ts';

type Cause = NonNullable<ScanVerdict['cause']>;
type Judged = ScanRule & { readonly cause?: Cause };

export interface Judgement {
  readonly runs: readonly EngineRun[];
  readonly findings: readonly Finding[];
  readonly policy: ScanPolicy;
  readonly silences: readonly Silence[];
  /** Ecosystems that no engine has advisories for. */
  readonly withoutFeed: readonly string[];
  readonly packages: number;
}

/** Statuses that say that something cannot be trusted; the others that it could not be reached or run. */
const untrusted: ReadonlySet<EngineStatus> = new Set(['bad-report', 'untrusted-binary']);

/** Three values, never two: what was not seen is neither good nor bad, and it blocks. A proven flaw wins over both. */
export function judge(o: Judgement): ScanVerdict {
  const judged = [
    judgeEngines(o),
    ...(o.policy.independent ? [judgeIndependence(o)] : []),
    judgeTools(o),
    judgeCoverage(o),
    judgeSilence(o),
    judgeFindings(o, 'severity'),
    ...(o.policy.kevBlocks ? [judgeFindings(o, 'kev')] : []),
  ];
  const rules = judged.map(({ cause: _cause, ...rule }) => rule);
  const policyDigest = digestPolicy(o.policy);
  if (judged.some(({ result }) => result === 'fail')) return { status: 'deny', policyDigest, rules };
  const open = judged.filter(({ result }) => result === 'indeterminate');
  if (open.length === 0) return { status: 'allow', policyDigest, rules };
  const cause = open.some(rule => rule.cause === 'trust') ? 'trust' : 'remote';
  return { status: 'indeterminate', cause, policyDigest, rules };
}

function judgeEngines({ runs, policy }: Judgement): Judged {
  const heard = runs.filter(({ outcome }) => outcome.status === 'ok');
  const failed = runs.filter(({ outcome }) => outcome.status !== 'ok' && outcome.status !== 'absent');
  const count = `${heard.length} of ${Math.max(1, policy.requireEngines)} engines that are required`;
  if (failed.length === 0 && heard.length >= Math.max(1, policy.requireEngines)) {
    return { id: 'engines', result: 'pass', findings: [], reason: count };
  }
  const why = failed.map(({ id, outcome }) => `${id}: ${outcome.status}`);
  return {
    id: 'engines',
    result: 'indeterminate',
    findings: [],
    reason: [count, ...why].join('; '),
    cause: failed.some(({ outcome }) => untrusted.has(outcome.status)) ? 'trust' : 'remote',
  };
}

function judgeIndependence({ runs, policy }: Judgement): Judged {
  const independent = countOpinions(runs);
  const isEnough = independent >= policy.requireEngines;
  return {
    id: 'independence',
    result: isEnough ? 'pass' : 'indeterminate',
    findings: [],
    reason: `${independent} of ${policy.requireEngines} independent opinions`,
    ...(!isEnough && { cause: 'remote' as const }),
  };
}

/** Engines whose databases have nothing in common; the same database twice is one opinion. */
export function countOpinions(runs: readonly EngineRun[]): number {
  const taken = new Set<string>();
  let count = 0;
  const lineages = runs.flatMap(({ outcome }) => (outcome.status === 'ok' ? [outcome.report.lineage] : []));
  for (const lineage of lineages.toSorted((a, b) => a.length - b.length)) {
    if (lineage.some(name => taken.has(name))) continue;
    for (const name of lineage) taken.add(name);
    count++;
  }
  return count;
}

/** A program that nobody verified may look, but it may not let anything through. */
function judgeTools({ runs }: Judgement): Judged {
  const names = runs.flatMap(({ id, outcome }) =>
    outcome.status === 'ok' && outcome.report.unverified === true ? [id] : [],
  );
  if (names.length === 0) return { id: 'tools', result: 'pass', findings: [] };
  const reason = `${names.join(', ')} ran unverified`;
  return { id: 'tools', result: 'indeterminate', findings: [], reason, cause: 'trust' };
}

function judgeCoverage({ packages, withoutFeed, runs }: Judgement): Judged {
  if (packages === 0) {
    const reason = 'no package was found, so nothing was looked up';
    return { id: 'coverage', result: 'indeterminate', findings: [], reason, cause: 'remote' };
  }
  const heard = runs.some(({ outcome }) => outcome.status === 'ok');
  if (!heard) {
    const reason = `none of ${packages} packages was looked up`;
    return { id: 'coverage', result: 'indeterminate', findings: [], reason, cause: 'remote' };
  }
  const reason =
    withoutFeed.length === 0
      ? `${packages} packages`
      : `${packages} packages; no advisories for ${withoutFeed.join(', ')}`;
  return { id: 'coverage', result: 'pass', findings: [], reason };
}

function judgeSilence({ silences }: Judgement): Judged {
  if (silences.length === 0) return { id: 'silence', result: 'pass', findings: [] };
  const reason = silences.map(({ engine, detail }) => `engine-silent: ${engine} ${detail}`).join('; ');
  return { id: 'silence', result: 'indeterminate', findings: [], reason, cause: 'trust' };
}

function judgeFindings({ findings, policy, runs }: Judgement, kind: 'severity' | 'kev'): Judged {
  const heard = runs.filter(({ outcome }) => outcome.status === 'ok').length;
  const blocking = findings
    .filter(finding => blockReason(finding, policy, heard) === kind)
    .map(({ key }) => key);
  const id = kind === 'kev' ? 'known-exploited' : 'severity';
  if (blocking.length > 0)
    return { id, result: 'fail', findings: blocking, reason: `${blocking.length} block` };
  if (heard > 0) return { id, result: 'pass', findings: [] };
  return { id, result: 'indeterminate', findings: [], reason: 'no engine was heard', cause: 'remote' };
}

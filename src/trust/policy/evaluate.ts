import {
  type ComponentVerdict,
  type JudgedItem,
  type RuleReport,
  type RuleResult,
  type Verdict,
  worstDecision,
} from '../../model/verdict.ts';
import { builtInCodes, checkBuiltIn } from './built-in.ts';
import { acceptedAttestations, acceptedSignatures, judgeForReport } from './evidence/accept.ts';
import { warnOfExceptions } from './exceptions.ts';
import type { ComponentEvidence, GateInput, RecordedItem } from './gate-input.ts';
import type { Policy, PolicySource } from './policy.ts';
import type { Objection, Rule, Subject } from './rule.ts';
import { allRules } from './rules/all.ts';
import { localTrustRule } from './rules/images.ts';
import { isAskedFor, isSelected, type Selection, selectionFor } from './select.ts';

/** The verdict: a pure function of evidence, policy and time. */
export function evaluate({ components, policy, time }: GateInput): Verdict {
  return joinVerdicts(
    components.map(component => evaluateComponent(component, policy, time)),
    policy,
    time,
  );
}

/** For whoever looks at one image at a time and keeps only what was decided. */
export function joinVerdicts(unsorted: readonly ComponentVerdict[], policy: Policy, time: string): Verdict {
  const components = unsorted.toSorted(
    (a, b) => compareTexts(b.containerImage, a.containerImage) || compareTexts(a.name, b.name),
  );
  return {
    decision: worstDecision(components.map(({ decision }) => decision)),
    effectiveTime: time,
    production: !policy.trust.allowLocal,
    components,
  };
}

export function evaluateComponent(
  component: ComponentEvidence,
  policy: Policy,
  time: string,
): ComponentVerdict {
  const { name, reference, repository, digest, source, problem } = component;
  const about = {
    name,
    containerImage: digest === undefined ? reference : `${repository}@${digest}`,
    ...(digest !== undefined && { digest }),
    ...(source !== undefined && { source }),
  };
  const nothing = { warnings: [], successes: [], rules: [], items: [] };
  if (problem?.kind === 'absent') {
    const message = `Image URL is not accessible: ${problem.message}`;
    return {
      ...about,
      ...nothing,
      decision: 'deny',
      violations: [
        { code: builtInCodes.accessible, cause: 'unknown-tag', message, got: reference, evidence: [] },
      ],
    };
  }
  const trouble =
    problem === undefined
      ? staleRoots(component.items)
      : { exit: problem.kind === 'untrusted' ? (4 as const) : (3 as const), message: problem.message };
  if (trouble !== undefined)
    return {
      ...about,
      ...nothing,
      decision: 'indeterminate',
      trouble,
      violations: [],
      items: judgedItems(component, policy),
    };
  return { ...about, ...judge(component, policy, Date.parse(component.time ?? time)) };
}

type Judged = Omit<ComponentVerdict, 'name' | 'containerImage' | 'source' | 'digest'>;

function judge(component: ComponentEvidence, policy: Policy, time: number): Judged {
  const subject: Subject = {
    component,
    policy,
    time,
    ruleData: {},
    signatures: acceptedSignatures(component.items, policy),
    attestations: acceptedAttestations(component.items, policy),
  };
  const builtIn = checkBuiltIn(subject);
  const local = report(localTrustRule, subject, 'always');
  const reports: Reported[] = [local];
  // Whoever is not attested by the right one has nothing that a rule could believe.
  const canAsk = !builtIn.violations.some(({ code }) => code !== builtInCodes.signature);
  if (canAsk) reports.push(...policy.sources.flatMap(source => askSource(source, subject)));
  const kept = dropDependents(mergeReports(reports));
  const violations = sortResults([...builtIn.violations, ...kept.flatMap(({ violations }) => violations)]);
  return {
    decision: violations.length > 0 ? 'deny' : 'allow',
    violations,
    warnings: sortResults([
      ...kept.flatMap(({ warnings }) => warnings),
      ...warnOfExceptions(component, policy, time),
    ]),
    successes: sortResults([...builtIn.successes, ...kept.flatMap(({ successes }) => successes)]),
    rules: [...builtIn.rules, ...kept.map(({ rule }) => rule)],
    items: judgedItems(component, policy),
  };
}

interface Reported {
  readonly violations: readonly RuleResult[];
  readonly warnings: readonly RuleResult[];
  readonly successes: readonly RuleResult[];
  readonly rule: RuleReport;
  readonly dependsOn: readonly string[];
}

function askSource(source: PolicySource, subject: Subject): Reported[] {
  const selection = selectionFor(source, subject.component, subject.time);
  const inSource = { ...subject, ruleData: source.ruleData };
  return allRules
    .filter(rule => rule !== localTrustRule && couldMatter(rule, selection))
    .map(rule => report(rule, inSource, selection));
}

/** A rule is asked when any of its results could be kept: an exclusion of one term leaves the others. */
function couldMatter(rule: Rule, selection: Selection): boolean {
  return (
    isSelected(rule, [], selection) ||
    selection.include.some(
      entry => entry.includes(':') && isSelected(rule, [entry.slice(entry.indexOf(':') + 1)], selection),
    )
  );
}

function report(rule: Rule, subject: Subject, selection: Selection | 'always'): Reported {
  const { code } = rule;
  const { examined, objections, evidence = [] } = rule.examine(subject);
  const isVain = examined === 0 && objections.length === 0;
  const isDemanded =
    selection !== 'always' &&
    isAskedFor(rule, selection) &&
    (rule.niche !== true || selection.include.includes(code));
  const said: readonly Objection[] =
    isVain && isDemanded
      ? [
          {
            message: `${code}: nothing to examine`,
            cause: rule.vain ?? rule.cause ?? 'other',
            wanted: rule.description,
            got: 'no accepted evidence that it could look at',
          },
        ]
      : objections;
  const kept = said
    .filter(
      ({ term }) => selection === 'always' || isSelected(rule, term === undefined ? [] : [term], selection),
    )
    .map(
      (objection): RuleResult => ({
        code,
        cause: rule.cause ?? 'other',
        ...objection,
        evidence: objection.evidence ?? evidence,
      }),
    );
  const isWarning = rule.severity === 'warning';
  const passes = kept.length === 0 && !isVain;
  return {
    violations: isWarning ? [] : kept,
    warnings: isWarning ? kept : [],
    successes: passes && selection !== 'always' ? [{ code, message: 'Pass', evidence }] : [],
    rule: {
      code,
      examined,
      status: kept.length > 0 ? (isWarning ? 'warn' : 'fail') : isVain ? 'not_applicable' : 'pass',
    },
    dependsOn: rule.dependsOn ?? [],
  };
}

/** Two sources may ask the same rule; what both say is said once, and the worse status counts. */
function mergeReports(reports: readonly Reported[]): Reported[] {
  const merged = new Map<string, Reported>();
  for (const one of reports) {
    const before = merged.get(one.rule.code);
    merged.set(one.rule.code, before === undefined ? one : joinReports(before, one));
  }
  return [...merged.values()];
}

function joinReports(a: Reported, b: Reported): Reported {
  const order = ['fail', 'warn', 'not_applicable', 'pass'];
  const worse = order.indexOf(a.rule.status) <= order.indexOf(b.rule.status) ? a : b;
  const violations = distinct([...a.violations, ...b.violations]);
  return {
    ...worse,
    violations,
    warnings: distinct([...a.warnings, ...b.warnings]),
    successes: violations.length > 0 ? [] : distinct([...a.successes, ...b.successes]),
  };
}

function distinct(results: readonly RuleResult[]): RuleResult[] {
  return [...new Map(results.map(one => [JSON.stringify([one.term, one.message]), one])).values()];
}

function dropDependents(reports: readonly Reported[]): Reported[] {
  const failed = new Set(
    reports
      .filter(({ violations, warnings }) => violations.length + warnings.length > 0)
      .map(({ rule }) => rule.code),
  );
  return reports.filter(({ dependsOn }) => !dependsOn.some(code => failed.has(code)));
}

/** When the only roots that could judge are too old, nothing was decided: that is not a no. */
function staleRoots(items: readonly RecordedItem[]): { exit: 4; message: string } | undefined {
  const stale = items.flatMap(({ reasons }) => reasons).find(({ code }) => code === 'stale-trust-root');
  if (stale === undefined || items.some(({ trust }) => trust !== undefined)) return undefined;
  return { exit: 4, message: stale.message };
}

function judgedItems({ items }: ComponentEvidence, policy: Policy): JudgedItem[] {
  return items.map(item => {
    const { statement: _statement, ...judged } = judgeForReport(item, policy);
    return { ...judged, accepted: judged.verified };
  });
}

function sortResults(results: readonly RuleResult[]): RuleResult[] {
  return results.toSorted(
    (a, b) =>
      compareTexts(a.code, b.code) ||
      compareTexts(a.term ?? '', b.term ?? '') ||
      compareTexts(a.message, b.message),
  );
}

/** By code points, so that the order is the same on every machine. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

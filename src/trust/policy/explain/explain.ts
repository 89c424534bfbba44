import type { Cause } from '../../../model/cause.ts';
import { describeSigner } from '../../../model/identity.ts';
import {
  type ComponentVerdict,
  type Decision,
  type JudgedItem,
  type RuleReport,
  type RuleResult,
  worstDecision,
} from '../../../model/verdict.ts';
import { evaluateComponent } from '../evaluate.ts';
import type { ComponentEvidence, GateInput } from '../gate-input.ts';
import type { Policy } from '../policy.ts';
import { causeOf } from './cause.ts';
import { type Candidate, type Fix, fixKinds, type Hint, type State } from './fix.ts';
import type { Trial } from './making.ts';
import { remediesFor } from './remedies.ts';
import { expectedMaker } from './synthetic.ts';

/** Why an image is denied, and the smallest changes that were shown to turn the verdict. */
export interface Explanation {
  readonly decision: Decision;
  readonly effectiveTime: string;
  readonly components: readonly ComponentExplanation[];
}

export interface ComponentExplanation {
  readonly name: string;
  readonly containerImage: string;
  readonly decision: Decision;
  readonly trouble?: NonNullable<ComponentVerdict['trouble']>;
  readonly denials: readonly Denial[];
  /** How many more there are; nobody reads them all, and the first already tell what is wrong. */
  readonly more?: number;
  /** The fewest fixes, at most four, that together give an allow; undefined when none were found. */
  readonly plan?: readonly Fix[];
  /** Of an image that passes: what each rule looked at. */
  readonly passes: readonly Pass[];
}

export interface Denial {
  readonly code: string;
  readonly term?: string;
  readonly cause: Cause;
  readonly message: string;
  readonly wanted?: string;
  readonly got?: string;
  /** What was looked at, one line each. */
  readonly evidence: readonly string[];
  readonly fixes: readonly Fix[];
  readonly unproven: readonly Hint[];
}

export interface Pass {
  readonly code: string;
  readonly examined: number;
  readonly evidence: readonly string[];
}

export interface ExplainOptions {
  /** By the reference that was asked for: images that could be meant instead. */
  readonly alternatives?: Readonly<Record<string, readonly ComponentEvidence[]>>;
  /** What `cg gate` needs beside the name to ask the same again. */
  readonly gateFlags?: string;
}

/** What the commands of a fix are made of. */
type Words = Pick<Trial, 'alternatives' | 'gateFlags'>;

/** One image has at most this many trials: an explanation is an answer, not a search of everything. */
const mostTrials = 300;
const mostDenials = 100;
const largestPlan = 4;

export function explain({ components, policy, time }: GateInput, o: ExplainOptions = {}): Explanation {
  const explained = components.map(component =>
    explainComponent(component, policy, time, {
      alternatives: o.alternatives?.[component.reference] ?? [],
      gateFlags: o.gateFlags ?? '',
    }),
  );
  return {
    decision: worstDecision(explained.map(({ decision }) => decision)),
    effectiveTime: time,
    components: explained,
  };
}

function explainComponent(
  component: ComponentEvidence,
  policy: Policy,
  time: string,
  words: Words,
): ComponentExplanation {
  const trials = new Trials(time, words);
  const state = { component, policy };
  const verdict = trials.judge(state);
  const { name, containerImage, decision, trouble, violations } = verdict;
  const denials = violations
    .slice(0, mostDenials)
    .map(result => explainDenial(result, verdict, state, trials));
  const plan = decision === 'deny' ? new Trials(time, words).findPlan(state) : undefined;
  return {
    name,
    containerImage,
    decision,
    ...(trouble !== undefined && { trouble }),
    denials,
    ...(violations.length > denials.length && { more: violations.length - denials.length }),
    ...(plan !== undefined && { plan }),
    passes: verdict.rules.filter(({ status }) => status === 'pass').map(rule => describePass(rule, verdict)),
  };
}

function explainDenial(result: RuleResult, verdict: ComponentVerdict, state: State, trials: Trials): Denial {
  const { code, term, message, wanted, got, evidence } = result;
  const cause = causeOf(
    result,
    state.component,
    state.policy,
    Date.parse(state.component.time ?? trials.time),
  );
  const tried = trials
    .candidates(state, [result])
    .map(candidate => ({ candidate, outcome: trials.attempt(candidate, state, verdict) }));
  const fixes = tried.flatMap(({ outcome }) =>
    'fix' in outcome && outcome.fix.flips.includes(keyOf(result)) ? [outcome.fix] : [],
  );
  const unproven = tried.flatMap(({ candidate: { title, commands }, outcome }) =>
    'reason' in outcome
      ? [{ title, commands, reason: outcome.reason }]
      : outcome.fix.flips.includes(keyOf(result))
        ? []
        : [{ title, commands, reason: 'the violation stays' }],
  );
  return {
    code,
    ...(term !== undefined && { term }),
    cause,
    message,
    ...(wanted !== undefined && { wanted }),
    ...(got !== undefined && { got }),
    evidence: evidence.flatMap(id => verdict.items.filter(item => item.id === id).map(describeItem)),
    fixes,
    unproven,
  };
}

type Outcome = { readonly fix: Fix } | { readonly reason: string };

/** Tries changes on copies, through the function that decides. */
class Trials {
  readonly time: string;
  readonly #words: Words;
  #left = mostTrials;

  constructor(time: string, words: Words) {
    this.time = time;
    this.#words = words;
  }

  judge({ component, policy }: State): ComponentVerdict {
    return evaluateComponent(component, policy, this.time);
  }

  candidates(state: State, results: readonly RuleResult[]): Candidate[] {
    const trial = this.#trialOf(state);
    const time = Date.parse(state.component.time ?? this.time);
    const all = results.flatMap(result =>
      remediesFor(result, causeOf(result, state.component, state.policy, time), trial),
    );
    const distinct = [...new Map(all.map(one => [`${one.kind}\n${one.title}`, one])).values()];
    return distinct.toSorted((a, b) => fixKinds.indexOf(a.kind) - fixKinds.indexOf(b.kind));
  }

  /** Proven when something goes and nothing that was fine before is worse; rules that were not asked before may ask now. */
  attempt(candidate: Candidate, state: State, before: ComponentVerdict): Outcome {
    if (this.#left-- <= 0) return { reason: `not tried: an explanation tries ${mostTrials} changes at most` };
    const after = this.judge(candidate.apply(state));
    const now = new Set(after.violations.map(keyOf));
    const flips = before.violations.map(keyOf).filter(key => !now.has(key));
    const fine = new Set(before.rules.filter(({ status }) => status === 'pass').map(({ code }) => code));
    const worse = after.violations.filter(({ code }) => fine.has(code)).map(keyOf);
    if (worse.length > 0) return { reason: `${worse[0]} would fail instead` };
    if (flips.length === 0) return { reason: 'the violation stays' };
    const { kind, title, commands, patch, warning } = candidate;
    return {
      fix: {
        kind,
        title,
        commands,
        ...(patch !== undefined && { patch }),
        ...(warning !== undefined && { warning }),
        flips,
        remaining: [...now],
        verdictAfter: after.decision,
        proven: true,
      },
    };
  }

  /** One fix if one is enough, else two, up to four. */
  findPlan(state: State): Fix[] | undefined {
    for (let depth = 1; depth <= largestPlan; depth++) {
      const plan = this.#search(state, depth);
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  #search(state: State, depth: number): Fix[] | undefined {
    const before = this.judge(state);
    for (const candidate of this.candidates(state, before.violations)) {
      const outcome = this.attempt(candidate, state, before);
      if (!('fix' in outcome)) continue;
      if (outcome.fix.verdictAfter === 'allow') return [outcome.fix];
      if (depth === 1) continue;
      const rest = this.#search(candidate.apply(state), depth - 1);
      if (rest !== undefined) return [outcome.fix, ...rest];
    }
    return undefined;
  }

  #trialOf(state: State): Trial {
    const { component, policy } = state;
    const name =
      component.digest === undefined ? component.reference : `${component.repository}@${component.digest}`;
    const isKey = policy.identities.length === 0 && policy.publicKey !== undefined;
    const signFlags: Trial['signFlags'] = (by = expectedMaker(policy)) => {
      if (isKey || by === 'key') return ' --key cosign.key';
      if (!policy.trust.allowLocal) return '';
      return by?.subject !== undefined && /^[\w./:@-]+$/.test(by.subject)
        ? ` --local --as ${by.subject}`
        : ' --local';
    };
    return { state, time: component.time ?? this.time, name, signFlags, ...this.#words };
  }
}

function keyOf({ code, term }: RuleResult): string {
  return term === undefined ? code : `${code}:${term}`;
}

function describeItem({ id, kind, predicateType, signer, accepted, reasons }: JudgedItem): string {
  const what = predicateType === undefined || kind === 'signature' ? kind : `${kind} ${predicateType}`;
  const who = signer === undefined ? 'nobody who could be proven' : describeSigner(signer);
  const [reason] = reasons;
  const rejected = reason === undefined ? 'rejected' : `rejected: ${reason.message}`;
  return `${id}: ${what} by ${who}, ${accepted ? 'accepted' : rejected}`;
}

function describePass({ code, examined }: RuleReport, { successes, items }: ComponentVerdict): Pass {
  const ids = successes.filter(result => result.code === code).flatMap(({ evidence }) => evidence);
  return { code, examined, evidence: items.filter(({ id }) => ids.includes(id)).map(describeItem) };
}

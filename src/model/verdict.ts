import type { Cause } from './cause.ts';
import type { Digest } from './digest.ts';
import type { EvidenceItem } from './evidence.ts';

/** What the gate says. Indeterminate means that it could not look, which blocks like a no and is never one. */
export type Decision = 'allow' | 'deny' | 'indeterminate';

/** Of several images: what could not be looked at blocks first, because the answer about it is still to come. */
export function worstDecision(decisions: readonly Decision[]): Decision {
  // Nothing that was looked at is nothing that could pass.
  if (decisions.includes('indeterminate') || decisions.length === 0) return 'indeterminate';
  return decisions.includes('deny') ? 'deny' : 'allow';
}

/** Whether a rule was fulfilled. `not_applicable`: there was nothing that it could have examined. */
export type RuleStatus = 'pass' | 'fail' | 'warn' | 'not_applicable';

/** One sentence of a rule about one image. */
export interface RuleResult {
  readonly code: string;
  readonly message: string;
  /** Why, in a word that does not change; whoever looks for a fix begins with it. */
  readonly cause?: Cause;
  /** What the sentence is about: a CVE, a commit, a package. Exceptions can name it. */
  readonly term?: string;
  readonly wanted?: string;
  readonly got?: string;
  /** Ids of the evidence that was looked at. */
  readonly evidence: readonly string[];
}

export interface RuleReport {
  readonly code: string;
  readonly status: RuleStatus;
  /** How many items it looked at; a rule that was asked for and looked at nothing fails. */
  readonly examined: number;
}

/** An item of evidence as a verdict reports it: the judgement, without the predicate. */
export type JudgedItem = Omit<EvidenceItem, 'statement'> & {
  readonly accepted: boolean;
  /** Put in by a trial of a fix; nobody signed it. */
  readonly simulated?: true;
};

export interface ComponentVerdict {
  readonly name: string;
  /** Repository and digest once it is known, else as it was written. */
  readonly containerImage: string;
  readonly digest?: Digest;
  readonly source?: GitSource;
  readonly decision: Decision;
  /** Why nothing could be decided, and whether that is trouble of the outside (3) or of what cannot be trusted (4). */
  readonly trouble?: { readonly exit: 3 | 4; readonly message: string };
  readonly violations: readonly RuleResult[];
  readonly warnings: readonly RuleResult[];
  readonly successes: readonly RuleResult[];
  readonly rules: readonly RuleReport[];
  readonly items: readonly JudgedItem[];
}

export interface GitSource {
  readonly url: string;
  readonly revision: string;
}

export interface Verdict {
  readonly decision: Decision;
  /** RFC 3339, UTC: what "now" was. */
  readonly effectiveTime: string;
  /** False when a local Sigstore counts: then it says nothing about production. */
  readonly production: boolean;
  readonly components: readonly ComponentVerdict[];
}

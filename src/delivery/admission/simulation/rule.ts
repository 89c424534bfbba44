import type { IdentityPattern } from '../../../model/identity.ts';
import type { FindEvidence } from './evidence.ts';
import type { Pod } from './pods.ts';

/** How a rule answers to one pod. */
export interface RuleVerdict {
  /** `out-of-scope`: the rule does not look at any image of the pod. `unknown`: evidence could not be read. */
  readonly verdict: 'admitted' | 'refused' | 'out-of-scope' | 'unknown';
  readonly reasons: readonly string[];
}

/** What there is beside the pod: evidence, which may become known after the rules were read, and the time. */
export interface Circumstances {
  readonly evidence: FindEvidence;
  readonly now: Date;
}

/** What a rule asks for, as its declarations say; whether its expressions ask for it is what simulation finds out. */
export interface RuleDemands {
  readonly digest: boolean;
  /** Tags become digests before the rule looks. */
  readonly resolvesTags: boolean;
  readonly globs: readonly string[];
  readonly identities: readonly IdentityPattern[];
  /** The same by group: somebody of each must have said something. */
  readonly groups: readonly (readonly IdentityPattern[])[];
  readonly predicateTypes: readonly string[];
  /** Hours that the youngest evidence of a type may be old. */
  readonly maxAgeHours: ReadonlyMap<string, number>;
}

/** One policy of a file, ready to judge. */
export interface Rule {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  /** What the cluster does with a refusal: `Audit`, `Warn`, `Deny`, `warn`, `enforce`. */
  readonly actions: readonly string[];
  readonly demands: RuleDemands;
  inScope(image: string): boolean;
  judge(pod: Pod): RuleVerdict;
}

/** Globs of both products, in which `*` is any text: what is generated has nothing else. */
export function matchesGlob(image: string, glob: string): boolean {
  const parts = glob.split('*');
  const [first = '', ...rest] = parts;
  if (!image.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const found = isLast ? (image.endsWith(part) ? image.length - part.length : -1) : image.indexOf(part, at);
    if (found < at) return false;
    at = found + part.length;
  }
  return at === image.length;
}

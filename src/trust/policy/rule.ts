import type { Cause } from '../../model/cause.ts';
import type { Attestation } from './evidence/accept.ts';
import type { ComponentEvidence, RecordedItem } from './gate-input.ts';
import type { Policy } from './policy.ts';

/** What a rule looks at: one image, and of its evidence only what the right signers made. */
export interface Subject {
  readonly component: ComponentEvidence;
  readonly signatures: readonly RecordedItem[];
  readonly attestations: readonly Attestation[];
  readonly policy: Policy;
  readonly time: number;
  readonly ruleData: Readonly<Record<string, unknown>>;
}

/** What a rule has against an image. */
export interface Objection {
  readonly message: string;
  /** When it is another one than that of the rule. */
  readonly cause?: Cause;
  readonly term?: string;
  readonly wanted?: string;
  readonly got?: string;
  readonly evidence?: readonly string[];
}

export interface Examination {
  /** How many items it looked at. */
  readonly examined: number;
  readonly objections: readonly Objection[];
  /** Ids of what it looked at; whoever asks why an image passes reads them. */
  readonly evidence?: readonly string[];
}

/**
 * A question about evidence. It answers for evidence of whatever shape: what it cannot read is an objection, never an
 * error and never a pass.
 */
export interface Rule {
  /** `package.rule`, as include and exclude lists name it. */
  readonly code: string;
  readonly title: string;
  readonly description: string;
  readonly solution: string;
  readonly collections: readonly string[];
  /**
   * `requires` wants something to be there: taking evidence away never satisfies it. `forbids` objects to what is
   * there; such a rule needs another one that requires what it looks at.
   */
  readonly kind: 'requires' | 'forbids';
  /** What is wrong when it objects; `vain` when it found nothing to look at, where that is another matter. */
  readonly cause?: Cause;
  readonly vain?: Cause;
  readonly severity?: 'warning';
  /** Not asked when one of these has an objection. */
  readonly dependsOn?: readonly string[];
  /** Looks at what only one build system makes, so that finding nothing is no objection unless it was named in full. */
  readonly niche?: true;
  examine(subject: Subject): Examination;
}

/** A list of texts of the rule data, or what holds without. */
export function textsOf(
  subject: Pick<Subject, 'ruleData'>,
  key: string,
  fallback: readonly string[],
): readonly string[] {
  const found = Object.hasOwn(subject.ruleData, key) ? subject.ruleData[key] : undefined;
  if (typeof found === 'string') return [found];
  return Array.isArray(found) ? found.filter(one => typeof one === 'string') : fallback;
}

export function idsOf(items: readonly { readonly id: string }[]): string[] {
  return items.map(({ id }) => id);
}

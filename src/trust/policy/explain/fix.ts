import type { Decision } from '../../../model/verdict.ts';
import type { ComponentEvidence } from '../gate-input.ts';
import type { Policy } from '../policy.ts';

/** In the order in which they are offered: what makes an image better comes before what asks less of it. */
export const fixKinds = ['evidence', 'source', 'image', 'policy', 'identity'] as const;
export type FixKind = (typeof fixKinds)[number];

export interface State {
  readonly component: ComponentEvidence;
  readonly policy: Policy;
}

/** One operation of JSON Patch (RFC 6902) on a file of the user's. */
export interface PatchStep {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

export interface FilePatch {
  readonly file: 'components' | 'policy';
  readonly steps: readonly PatchStep[];
}

/** A change that might turn the verdict; only trying it tells. */
export interface Candidate {
  readonly kind: FixKind;
  readonly title: string;
  readonly commands: readonly string[];
  readonly patch?: FilePatch;
  readonly warning?: string;
  apply(state: State): State;
}

/** A change that was tried through the same function that decides. */
export interface Fix {
  readonly kind: FixKind;
  readonly title: string;
  readonly commands: readonly string[];
  readonly patch?: FilePatch;
  readonly warning?: string;
  /** What it removes, and what is still in the way afterwards. */
  readonly flips: readonly string[];
  readonly remaining: readonly string[];
  readonly verdictAfter: Decision;
  readonly proven: true;
}

/** What would help and could not be shown to. */
export interface Hint {
  readonly title: string;
  readonly commands: readonly string[];
  readonly reason: string;
}

export function withItems(
  { component, policy }: State,
  change: (items: ComponentEvidence['items']) => ComponentEvidence['items'],
): State {
  return { policy, component: { ...component, items: change(component.items) } };
}

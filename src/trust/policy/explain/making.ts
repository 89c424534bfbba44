import type { IdentityPattern } from '../../../model/identity.ts';
import { acceptedSignatures, saidBy } from '../evidence/accept.ts';
import type { ComponentEvidence, RecordedItem } from '../gate-input.ts';
import { type Candidate, type State, withItems } from './fix.ts';
import { expectedMaker, type Maker, simulateSignature } from './synthetic.ts';

/** What a candidate is made from: the state that is denied, and words for its commands. */
export interface Trial {
  readonly state: State;
  readonly time: string;
  /** Repository and digest, for commands. */
  readonly name: string;
  /** What `cg sign` and `cg attest` need beside the name, to sign as whom the policy expects. */
  signFlags(by?: IdentityPattern | 'key'): string;
  /** What `cg gate` needs beside the name to ask the same again. */
  readonly gateFlags: string;
  /** Images that could be meant instead of one that does not exist. */
  readonly alternatives: readonly ComponentEvidence[];
}

interface Making {
  readonly title: string;
  readonly commands: readonly string[];
  readonly by?: IdentityPattern | 'key';
  make(maker: Maker): readonly RecordedItem[];
}

/** Evidence beside what is there. */
export function attest(trial: Trial, { title, commands, by, make }: Making): Candidate {
  return {
    kind: 'evidence',
    title,
    commands,
    apply: state => withItems(state, items => [...items, ...make(makerFor(trial, state, by))]),
  };
}

/** Another image in place of this one: what was objected to is gone, and it is signed like the one before. */
export function rebuild(
  trial: Trial,
  gone: readonly string[],
  { title, commands, by, make }: Making,
): Candidate {
  return {
    kind: 'evidence',
    title,
    commands,
    apply: state => {
      const maker = makerFor(trial, state, by);
      const isSigned = acceptedSignatures(state.component.items, state.policy).length > 0;
      return withItems(state, items => [
        ...withoutTwins(items, gone),
        ...(isSigned ? [] : [simulateSignature(maker)]),
        ...make(maker),
      ]);
    },
  };
}

/** A statement is often stored in two forms; what is gone is gone in both. */
function withoutTwins(items: readonly RecordedItem[], gone: readonly string[]): RecordedItem[] {
  const said = new Set(
    items.flatMap(({ id, statement }) =>
      statement !== undefined && gone.includes(id) ? [saidBy(statement)] : [],
    ),
  );
  return items.filter(
    ({ id, statement }) => !gone.includes(id) && !(statement !== undefined && said.has(saidBy(statement))),
  );
}

function makerFor(
  { time }: Trial,
  { component, policy }: State,
  by: IdentityPattern | 'key' | undefined,
): Maker {
  return { component, policy, time, by: by ?? expectedMaker(policy) ?? {} };
}

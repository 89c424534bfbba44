import { resolvePredicateType } from '../../model/statement.ts';
import type { Flags, FlagValues } from '../command.ts';

/** What must be there: flags of every command that verifies. */
export const requirementFlags = {
  type: {
    kind: 'text',
    placeholder: 'TYPE',
    brief: 'also require an attestation of this type: a short name or a URI',
    group: 'What is required',
    many: true,
  },
  signature: {
    kind: 'toggle',
    brief: 'require no image signature, only the attestations',
    group: 'What is required',
    fallback: true,
  },
  threshold: {
    kind: 'count',
    placeholder: 'N',
    brief: 'by how many different signers each',
    group: 'What is required',
    min: 1,
    max: 16,
    fallback: 1,
  },
  recursive: {
    kind: 'toggle',
    brief: 'every platform of an index must pass on its own',
    group: 'What is required',
    short: 'r',
  },
} as const satisfies Flags;

type Requirement = FlagValues<typeof requirementFlags>;

export function requirementChoice({ type, signature, threshold, recursive }: Requirement) {
  return { predicateTypes: type.map(resolvePredicateType), signature, threshold, recursive };
}

/** Whether anything is asked for beyond what always is. */
export function namesRequirement({ type, signature, threshold, recursive }: Requirement): boolean {
  return type.length > 0 || !signature || threshold > 1 || recursive;
}

import type { IdentityPattern, Signer } from '../../../model/identity.ts';
import { checkIdentity } from '../../../model/match-identity.ts';
import { isProven } from '../../../trust/policy/evidence/accept.ts';
import type { RecordedItem } from '../../../trust/policy/gate-input.ts';

/** What is known of an image; a problem is why nothing is known. */
export interface ImageEvidence {
  readonly items: readonly RecordedItem[];
  readonly problem?: { readonly kind: 'absent' | 'unreachable' | 'untrusted'; readonly message: string };
}

export type FindEvidence = (image: string) => ImageEvidence;

/** Nothing was found out about an image, so that nobody can say what a cluster would do. */
export class UnknownEvidence extends Error {
  override readonly name = 'UnknownEvidence';
}

/** Evidence of an image; one that cannot be read, as a cluster could not read it either, is no evidence. */
export function evidenceOf(image: string, find: FindEvidence): readonly RecordedItem[] {
  const { items, problem } = find(image);
  if (problem !== undefined && problem.kind !== 'absent') throw new UnknownEvidence(problem.message);
  return items;
}

/** What the named signers proved. Products take any of the identities, where our own policies want exactly one. */
export function provenBy(
  items: readonly RecordedItem[],
  identities: readonly IdentityPattern[],
): readonly RecordedItem[] {
  return items.filter(
    item => isProven(item) && item.signer !== undefined && isAmong(item.signer, identities),
  );
}

function isAmong(signer: Signer, identities: readonly IdentityPattern[]): boolean {
  return signer.kind === 'certificate' && identities.some(one => checkIdentity(signer, [one]).length === 0);
}

/** A bundle that hangs on an image counts as its signature for verifiers of bundles, whatever it says. */
export function signaturesAmong(items: readonly RecordedItem[]): readonly RecordedItem[] {
  return items.filter(
    ({ kind, store }) => kind === 'signature' || (kind === 'attestation' && store === 'referrer'),
  );
}

export function attestationsAmong(
  items: readonly RecordedItem[],
  predicateType: string,
): readonly RecordedItem[] {
  return items.filter(item => item.kind === 'attestation' && item.statement?.predicateType === predicateType);
}

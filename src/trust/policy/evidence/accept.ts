import { createHash } from 'node:crypto';
import { type EvidenceReason, type EvidenceReasonCode, isLocalTrust } from '../../../model/evidence.ts';
import type { IdentityPattern } from '../../../model/identity.ts';
import { checkIdentity } from '../../../model/match-identity.ts';
import type { Statement } from '../../../model/statement.ts';
import type { RecordedItem } from '../gate-input.ts';
import type { Policy, PolicyTrust } from '../policy.ts';
import { rememberBy } from './remember.ts';

export type Attestation = RecordedItem & { readonly statement: Statement };

/** Reasons that depend on what a policy expects; all others are facts about the bytes. */
const opinions: readonly EvidenceReasonCode[] = [
  'identity',
  'issuer',
  'claim',
  'local-trust',
  'untrusted-issuer',
];

/** Whether the bytes prove who signed what, whoever that is. */
export function isProven({ trust, signer, reasons }: RecordedItem): boolean {
  return trust !== undefined && signer !== undefined && reasons.every(({ code }) => opinions.includes(code));
}

/**
 * The item with the reasons that this policy has; the opinion with which it was collected does not count. Where a
 * requirement names identities, the key of the policy is none of them.
 */
export function judgeAnew(item: RecordedItem, policy: Policy, by?: readonly IdentityPattern[]): RecordedItem {
  const { trust, signer } = item;
  if (!isProven(item) || trust === undefined || signer === undefined) return { ...item, verified: false };
  const isOther = signer.kind === 'key' && by !== undefined && by.length > 0;
  const reasons = [
    ...checkRoot(trust, policy.trust),
    ...(isOther
      ? [{ code: 'identity' as const, message: 'signed by a key where an identity is required' }]
      : checkIdentity(signer, by ?? policy.identities)),
  ];
  return { ...item, verified: reasons.length === 0, reasons };
}

/** Every item by every identity that any part of the policy names: what to tell people of it. */
export function judgeForReport(item: RecordedItem, policy: Policy): RecordedItem {
  const judged = judgeAnew(item, policy);
  if (judged.verified) return judged;
  const other = policy.requirements
    .map(({ by }) => judgeAnew(item, policy, by))
    .find(({ verified }) => verified);
  return other ?? judged;
}

export function acceptedSignatures(
  items: readonly RecordedItem[],
  policy: Policy,
  by?: readonly IdentityPattern[],
): RecordedItem[] {
  return items
    .filter(({ kind }) => kind === 'signature')
    .map(item => judgeAnew(item, policy, by))
    .filter(({ verified }) => verified);
}

/** Attestations by the right signers, each statement of a signer once, however often it is stored. */
export function acceptedAttestations(
  items: readonly RecordedItem[],
  policy: Policy,
  by?: readonly IdentityPattern[],
): Attestation[] {
  const seen = new Set<string>();
  return items
    .filter((item): item is Attestation => item.kind === 'attestation' && item.statement !== undefined)
    .map(item => ({ ...judgeAnew(item, policy, by), statement: item.statement }))
    .filter(item => {
      const said = JSON.stringify([item.trust, item.signer, saidBy(item.statement)]);
      const isNew = item.verified && !seen.has(said);
      if (isNew) seen.add(said);
      return isNew;
    });
}

/** What a statement says, as a digest: the two forms in which it is stored differ in everything else. */
export const saidBy = rememberBy(({ predicateType, predicate }: Statement) =>
  createHash('sha256')
    .update(JSON.stringify([predicateType, predicate]))
    .digest('hex'),
);

function checkRoot(trust: string, accepted: PolicyTrust): EvidenceReason[] {
  const isNamed = accepted.only === undefined || accepted.only.includes(trust) || trust.startsWith('key:');
  const isKnown = trust === 'public-good' || trust.startsWith('key:') || accepted.roots.includes(trust);
  if (isLocalTrust(trust) ? accepted.allowLocal : isNamed && isKnown) return [];
  const wanted = (accepted.only ?? ['public-good', ...accepted.roots]).join(', ');
  return isLocalTrust(trust)
    ? [{ code: 'local-trust', message: 'made by a local Sigstore', wanted, got: trust }]
    : [
        {
          code: 'untrusted-issuer',
          message: 'verified by a trust root that is not accepted',
          wanted,
          got: trust,
        },
      ];
}

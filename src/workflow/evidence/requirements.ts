import type { EvidenceItem, EvidenceReasonCode } from '../../model/evidence.ts';
import { describeSigner } from '../../model/identity.ts';
import { matchesPredicateType } from '../../model/statement.ts';

/** What must be there: an image signature, and an attestation of each type. */
export interface Requirements {
  readonly signature: boolean;
  readonly predicateTypes: readonly string[];
  /** By how many different signers each. */
  readonly threshold: number;
}

/** Why something that is required is not fulfilled. */
export interface Missing {
  /** `signature`, or a predicate type. */
  readonly what: string;
  readonly wanted: number;
  readonly got: number;
}

export type Verdict = 'accepted' | 'not-found' | 'rejected' | 'forged';

/** An attestation never counts as a signature, and one signer never counts twice. */
export function findMissing(items: readonly EvidenceItem[], required: Requirements): Missing[] {
  const accepted = items.filter(({ verified }) => verified);
  const check = (what: string, fitting: readonly EvidenceItem[]): Missing[] => {
    const got = new Set(fitting.map(({ signer }) => (signer === undefined ? '' : describeSigner(signer))))
      .size;
    return got >= required.threshold ? [] : [{ what, wanted: required.threshold, got }];
  };
  const attestations = accepted.filter(({ kind }) => kind === 'attestation');
  return [
    ...(required.signature
      ? check(
          'signature',
          accepted.filter(({ kind }) => kind === 'signature'),
        )
      : []),
    ...required.predicateTypes.flatMap(type =>
      check(
        type,
        attestations.filter(({ predicateType = '' }) => matchesPredicateType(predicateType, type)),
      ),
    ),
  ];
}

/** Evidence with these problems was not made by who it says, or was changed since. */
const forgeries: readonly EvidenceReasonCode[] = [
  'malformed',
  'signature',
  'log',
  'log-certificate-differs',
  'log-content-differs',
  'certificate',
  'certificate-log',
  'timestamp',
  'payload-type',
];

/** "Nothing found" and "found and rejected" are different answers, and forged evidence is a third. */
export function judgeOutcome(items: readonly EvidenceItem[], missing: readonly Missing[]): Verdict {
  if (missing.length === 0) return 'accepted';
  // What nobody signed is no evidence, neither good nor bad.
  const signed = items.filter(({ reasons }) => reasons[0]?.code !== 'unsigned');
  if (signed.length === 0) return 'not-found';
  const isForged = signed.every(
    ({ verified, reasons }) => !verified && reasons.some(({ code }) => forgeries.includes(code)),
  );
  return isForged ? 'forged' : 'rejected';
}

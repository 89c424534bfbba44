import type { KeyObject } from 'node:crypto';
import { type Digest, hexOf } from '../../../model/digest.ts';
import type { EvidenceKind, EvidenceReason } from '../../../model/evidence.ts';
import type { IdentityPattern } from '../../../model/identity.ts';
import { matchesWholePattern, PatternError } from '../../../model/linear-pattern.ts';
import { imageSignatureType, matchesPredicateType, type Statement } from '../../../model/statement.ts';
import { type AcceptedTrust, isTrustAccepted } from '../trust-root/production-wall.ts';
import type { ProofDemands } from './prove.ts';
import { reject } from './rejection.ts';

/** What is asked of evidence about one image. */
export interface Expectations {
  /** The image; evidence about anything else is rejected. */
  readonly digest: Digest;
  /** Exactly one of them must match a keyless signer. An empty list accepts nobody. */
  readonly identities?: readonly IdentityPattern[];
  /** Public keys whose signatures are accepted. */
  readonly keys?: readonly KeyObject[];
  /** Attestations of other types are rejected; without a list every type is fine. */
  readonly predicateTypes?: readonly string[];
  readonly trust?: AcceptedTrust;
  readonly demands?: ProofDemands;
  /** Accept a signature over the very bytes that have the digest, as `cosign sign-blob` makes. */
  readonly allowBlobSignature?: boolean;
}

export function kindOf(statement: Statement | undefined): EvidenceKind {
  return statement === undefined || statement.predicateType === imageSignatureType
    ? 'signature'
    : 'attestation';
}

export function checkTrust(trust: string, accepted: AcceptedTrust = {}): EvidenceReason[] {
  if (isTrustAccepted(trust, accepted)) return [];
  const code = trust.startsWith('local:') ? 'local-trust' : 'untrusted-issuer';
  const message =
    code === 'local-trust' ? 'made by a local Sigstore' : 'verified by a trust root that is not accepted';
  return [{ code, message, wanted: ['public-good', ...(accepted.roots ?? [])].join(', '), got: trust }];
}

/** At least one subject has the digest of the image; names are ignored, they are not signed truth. */
export function checkSubject(statement: Statement, digest: Digest): EvidenceReason[] {
  const algorithm = digest.slice(0, digest.indexOf(':'));
  const found = statement.subject.map(subject => subject.digest[algorithm]);
  if (found.includes(hexOf(digest))) return [];
  const got = found.find(hex => hex !== undefined);
  const shown = got === undefined ? 'no digest' : `${algorithm}:${got.slice(0, 128)}`;
  return [{ code: 'subject', message: `subject: ${shown} is not this image`, wanted: digest, got: shown }];
}

export function checkPredicateType(
  statement: Statement,
  wanted: readonly string[] | undefined,
): EvidenceReason[] {
  const { predicateType } = statement;
  if (wanted === undefined || kindOf(statement) === 'signature') return [];
  if (wanted.some(type => matchesPredicateType(predicateType, type))) return [];
  const message = 'the attestation is of another type';
  return [{ code: 'predicate-type', message, wanted: wanted.join(' or '), got: predicateType.slice(0, 200) }];
}

/** A policy whose identities could never match, or would match anybody, is a mistake and said so. */
export function checkPatterns(patterns: readonly IdentityPattern[]): void {
  for (const pattern of patterns) {
    const hasIssuer = (pattern.issuer ?? pattern.issuerRegExp ?? '') !== '';
    const hasSubject = (pattern.subject ?? pattern.subjectRegExp ?? '') !== '';
    if (!hasIssuer || !hasSubject) reject('identity', 'an identity needs an issuer and a subject');
    for (const text of [pattern.issuerRegExp, pattern.subjectRegExp]) checkSyntax(text);
  }
}

function checkSyntax(pattern: string | undefined): void {
  try {
    if (pattern !== undefined) matchesWholePattern(pattern, '');
  } catch (error) {
    const why = error instanceof PatternError ? error.message : 'malformed';
    reject('identity', `the pattern of an identity cannot be used: ${why}`, { got: pattern ?? '' });
  }
}

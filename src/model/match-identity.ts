import type { EvidenceReason } from './evidence.ts';
import { describePattern, describeSigner, type IdentityPattern, type Signer } from './identity.ts';
import { matchesWholePattern } from './linear-pattern.ts';

/** Why a signer is not one of those who are expected; exactly one pattern must match. Keys were matched when they verified. */
export function checkIdentity(signer: Signer, patterns: readonly IdentityPattern[]): EvidenceReason[] {
  if (signer.kind === 'key') return [];
  const problems = patterns.map(pattern => problemWith(signer, pattern));
  const matching = problems.filter(problem => problem === undefined);
  if (matching.length === 1) return [];
  const wanted = patterns.map(describePattern).join(' or ') || 'an identity; none is named';
  const got = describeSigner(signer);
  if (matching.length > 1)
    return [{ code: 'identity', message: 'more than one of the identities matches', wanted, got }];
  const [only] = problems;
  if (problems.length === 1 && only !== undefined) return [only];
  return [{ code: 'identity', message: 'signed by somebody else', wanted, got }];
}

function problemWith(
  signer: Signer & { kind: 'certificate' },
  pattern: IdentityPattern,
): EvidenceReason | undefined {
  const compare = (got: string, exact?: string, regExp?: string): boolean => {
    if (exact === undefined && regExp === undefined) return false;
    return (
      (exact === undefined || exact === got) && (regExp === undefined || matchesWholePattern(regExp, got))
    );
  };
  const wanted = describePattern(pattern);
  const got = describeSigner(signer);
  if (!compare(signer.issuer, pattern.issuer, pattern.issuerRegExp)) {
    return { code: 'issuer', message: 'the identity comes from another issuer', wanted, got };
  }
  if (!compare(signer.subject, pattern.subject, pattern.subjectRegExp)) {
    return { code: 'identity', message: 'signed by somebody else', wanted, got };
  }
  const claim = Object.entries(pattern.claims ?? {}).find(
    ([name, value]) => claimOf(signer.claims, name) !== value,
  );
  if (claim === undefined) return undefined;
  const [name, value] = claim;
  const actual = claimOf(signer.claims, name) ?? 'nothing';
  return {
    code: 'claim',
    message: `the certificate says something else about ${name}`,
    wanted: value,
    got: actual,
  };
}

function claimOf(claims: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

import {
  basicConstraintsOf,
  type Certificate,
  extendedKeyUsagesOf,
  hasKeyUsage,
  isValidAt,
  publicKeyOf,
} from '../../certificates/certificate.ts';
import { verifyNamedSignature } from '../../certificates/signature.ts';
import { oids } from '../../der/oids.ts';
import type { TrustedAuthority } from '../../trust-root/trust-root.ts';

const understood = new Set<string>([oids.keyUsage, oids.extendedKeyUsage, oids.basicConstraints]);
const chains = new WeakMap<TrustedAuthority, boolean>();

/** The authority among several that really issued a certificate. */
export function findIssuer(
  certificate: Certificate,
  authorities: readonly TrustedAuthority[],
  purpose: string,
): TrustedAuthority | undefined {
  return authorities.find(
    authority =>
      isNamedIn(certificate, authority) &&
      isChain(authority, purpose) &&
      isIssuedBy(certificate, authority.chain[0]),
  );
}

export function isChainValidAt({ chain }: TrustedAuthority, at: Date): boolean {
  return chain.every(certificate => isValidAt(certificate, at));
}

export function isIssuedBy(certificate: Certificate, issuer: Certificate | undefined): boolean {
  return (
    issuer !== undefined &&
    certificate.issuer.equals(issuer.subject) &&
    verifyNamedSignature(
      certificate.signatureAlgorithm,
      certificate.signed.raw,
      publicKeyOf(issuer),
      certificate.signature,
    )
  );
}

/** Whether every certificate of the chain may issue and is issued by the next. Said once, it stays true. */
export function isChain(authority: TrustedAuthority, purpose: string): boolean {
  const known = chains.get(authority);
  if (known !== undefined) return known;
  const { chain } = authority;
  const isGood = chain.every((certificate, depth) => {
    const issuer = chain[depth + 1];
    return mayIssue(certificate, depth, purpose) && (issuer === undefined || isIssuedBy(certificate, issuer));
  });
  chains.set(authority, isGood);
  return isGood;
}

function isNamedIn(certificate: Certificate, { chain }: TrustedAuthority): boolean {
  return chain[0] !== undefined && certificate.issuer.equals(chain[0].subject);
}

function mayIssue(certificate: Certificate, below: number, purpose: string): boolean {
  const { isAuthority, pathLength } = basicConstraintsOf(certificate);
  const purposes = extendedKeyUsagesOf(certificate);
  const knows = [...certificate.extensions].every(([id, { critical }]) => !critical || understood.has(id));
  return (
    isAuthority &&
    knows &&
    hasKeyUsage(certificate, 5) &&
    (pathLength === undefined || pathLength >= below) &&
    (purposes.length === 0 || purposes.includes(purpose))
  );
}

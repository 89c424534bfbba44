import { createHash, type KeyObject } from 'node:crypto';
import type { CertificateSigner } from '../../../../model/identity.ts';
import { type Certificate, parseCertificate, publicKeyOf } from '../../certificates/certificate.ts';
import { oids } from '../../der/oids.ts';
import type { TrustedAuthority, TrustRoot } from '../../trust-root/trust-root.ts';
import { reject } from '../rejection.ts';
import { checkCertificateLog } from './certificate-log.ts';
import { findIssuer } from './chain.ts';
import { readLeaf } from './leaf.ts';

/** A signing certificate that a trust root stands for; whether it was valid in time is another question. */
export interface TrustedLeaf {
  readonly certificate: Certificate;
  readonly authority: TrustedAuthority;
  readonly signer: CertificateSigner;
  readonly key: KeyObject;
}

const maxKnown = 512;
const known = new WeakMap<TrustRoot, Map<string, TrustedLeaf>>();

/**
 * Checks profile, issuer and certificate log. One certificate serves all statements of a run, and nothing
 * of this changes with time, so that what was shown once is remembered per root by the very bytes.
 */
export function openLeaf(der: Buffer, root: TrustRoot): TrustedLeaf {
  const leaves = known.get(root) ?? new Map<string, TrustedLeaf>();
  known.set(root, leaves);
  const id = createHash('sha256').update(der).digest('base64');
  const found = leaves.get(id);
  if (found !== undefined) return found;
  const leaf = checkLeaf(der, root);
  const [oldest] = leaves.keys();
  if (leaves.size >= maxKnown && oldest !== undefined) leaves.delete(oldest);
  leaves.set(id, leaf);
  return leaf;
}

function checkLeaf(der: Buffer, root: TrustRoot): TrustedLeaf {
  const certificate = parseCertificate(der);
  const authority = findIssuer(certificate, root.authorities, oids.codeSigning);
  if (authority === undefined) {
    return reject(
      'untrusted-issuer',
      `the certificate is issued by no authority of the trust root ${root.name}`,
    );
  }
  const signer = readLeaf(certificate);
  const [issuer = certificate] = authority.chain;
  // Some private authorities have no certificate log at all; where there is one, it must have promised.
  if (root.certificateLogs.length > 0) checkCertificateLog(certificate, issuer, root.certificateLogs);
  return { certificate, authority, signer, key: publicKeyOf(certificate) };
}

import type { CertificateSigner } from '../../../../model/identity.ts';
import {
  basicConstraintsOf,
  type Certificate,
  extendedKeyUsagesOf,
  hasKeyUsage,
} from '../../certificates/certificate.ts';
import { firstFulcioExtensions, fulcioExtensions } from '../../certificates/fulcio-extensions.ts';
import { oids } from '../../der/oids.ts';
import { decodeUtf8, readDer } from '../../der/reader.ts';
import { reject } from '../rejection.ts';

const maxLife = 24 * 60 * 60 * 1000;
const understood = new Set<string>([
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.basicConstraints,
  oids.subjectAltName,
]);

/** Who a signing certificate speaks for, after it is shown to be one that may sign at all. */
export function readLeaf(certificate: Certificate): CertificateSigner {
  checkProfile(certificate);
  const { kind, value } = subjectOf(certificate);
  return {
    kind: 'certificate',
    issuer: issuerOf(certificate),
    subject: value,
    subjectKind: kind,
    claims: claimsOf(certificate),
  };
}

function checkProfile(certificate: Certificate): void {
  if (basicConstraintsOf(certificate).isAuthority)
    reject('certificate', 'the signing certificate is an authority');
  if (!hasKeyUsage(certificate, 0))
    reject('certificate', 'the certificate lacks the key usage digitalSignature');
  if (!extendedKeyUsagesOf(certificate).includes(oids.codeSigning)) {
    reject('certificate', 'the certificate is not meant for code signing');
  }
  if (certificate.notAfter.getTime() - certificate.notBefore.getTime() > maxLife) {
    reject('certificate', 'the certificate of a keyless signature lives longer than 24 hours');
  }
  const stranger = [...certificate.extensions].find(([id, { critical }]) => critical && !understood.has(id));
  if (stranger !== undefined)
    reject('certificate', `the critical extension ${stranger[0]} is not understood`);
}

function subjectOf(certificate: Certificate): { kind: 'uri' | 'email'; value: string } {
  const extension = certificate.extensions.get(oids.subjectAltName);
  if (extension === undefined || !extension.critical) {
    return reject('certificate', 'the certificate has no critical subject alternative name');
  }
  const [name, ...others] = readDer(extension.value).sequence;
  if (name === undefined || others.length > 0) {
    return reject('certificate', 'the certificate does not have exactly one subject alternative name');
  }
  const kind = name.is(0x86) ? 'uri' : name.is(0x81) ? 'email' : undefined;
  if (kind === undefined) return reject('certificate', 'the subject is neither a URI nor an e-mail address');
  if (!/^[\x20-\x7e]+$/.test(name.content.toString('latin1'))) {
    return reject('certificate', 'the subject has characters that are not printable ASCII');
  }
  return { kind, value: name.content.toString('latin1') };
}

/** The second generation decides; the first must not say something else. */
function issuerOf(certificate: Certificate): string {
  const second = extensionText(certificate, fulcioExtensions.issuer);
  const first = extensionBytes(certificate, firstFulcioExtensions.issuer);
  if (second !== undefined && first !== undefined && first !== second) {
    return reject('certificate', 'the certificate names two issuers', { wanted: second, got: first });
  }
  return second ?? first ?? reject('certificate', 'the certificate names no issuer');
}

function claimsOf(certificate: Certificate): Record<string, string> {
  const claims: Record<string, string> = {};
  for (const [name, n] of Object.entries(fulcioExtensions)) {
    const value = name === 'issuer' ? undefined : extensionText(certificate, n);
    if (value !== undefined) claims[name] = value;
  }
  for (const [name, n] of Object.entries(firstFulcioExtensions)) {
    const value = name === 'issuer' ? undefined : extensionBytes(certificate, n);
    if (value !== undefined) claims[name] = value;
  }
  return claims;
}

function extensionText(certificate: Certificate, n: number): string | undefined {
  const value = certificate.extensions.get(`${oids.fulcio}.${n}`)?.value;
  return value === undefined ? undefined : decodeUtf8(readDer(value).expect(0x0c).content);
}

function extensionBytes(certificate: Certificate, n: number): string | undefined {
  const value = certificate.extensions.get(`${oids.fulcio}.${n}`)?.value;
  return value === undefined ? undefined : decodeUtf8(value);
}

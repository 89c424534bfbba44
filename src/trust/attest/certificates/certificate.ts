import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { DerError } from '../der/der-error.ts';
import { oids } from '../der/oids.ts';
import { type DerValue, readDer } from '../der/reader.ts';

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** An X.509 certificate (RFC 5280), read strictly, with what the rules ask about. */
export interface Certificate {
  readonly raw: Buffer;
  /** What the issuer signed. */
  readonly signed: DerValue;
  readonly serial: bigint;
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
  /** Distinguished names as they are encoded; they are compared byte by byte. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
}

const maxCertificateSize = 64 * 1024;

export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > maxCertificateSize) throw new DerError('a certificate is larger than 64 KiB');
  const [signed, algorithm, signature, ...rest] = readDer(der).sequence;
  if (signed === undefined || algorithm === undefined || signature === undefined || rest.length > 0) {
    throw new DerError('a certificate does not have three parts');
  }
  const [version, serial, inner, issuer, validity, subject, spki, extensions, ...more] = signed.sequence;
  if (
    version?.expect(0xa0).member(0).integer !== 2n ||
    serial === undefined ||
    inner === undefined ||
    issuer === undefined ||
    validity === undefined ||
    subject === undefined ||
    spki === undefined ||
    more.length > 0
  ) {
    throw new DerError('not a version 3 certificate');
  }
  if (!inner.raw.equals(algorithm.raw)) throw new DerError('a certificate names two signature algorithms');
  return {
    raw: Buffer.from(der),
    signed,
    serial: serial.integer,
    signatureAlgorithm: algorithm.expect(0x30).member(0).objectIdentifier,
    signature: signature.bits,
    issuer: issuer.expect(0x30).raw,
    subject: subject.expect(0x30).raw,
    notBefore: validity.expect(0x30).member(0).time,
    notAfter: validity.expect(0x30).member(1).time,
    spki: spki.expect(0x30).raw,
    extensions: parseExtensions(extensions),
  };
}

/** The key, read once per certificate. */
export function publicKeyOf(certificate: Certificate): KeyObject {
  const known = keys.get(certificate);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: certificate.spki, format: 'der', type: 'spki' });
  keys.set(certificate, key);
  return key;
}

const keys = new WeakMap<Certificate, KeyObject>();

/** SHA-1 of the public key's bits, the usual subject key identifier (RFC 5280 §4.2.1.2). */
export function keyIdentifierOf(spki: Uint8Array): Buffer {
  return createHash('sha1').update(readDer(spki).member(1).bits).digest();
}

export function isValidAt(certificate: Certificate, at: Date): boolean {
  return certificate.notBefore <= at && at <= certificate.notAfter;
}

export interface BasicConstraints {
  readonly isAuthority: boolean;
  readonly pathLength?: number;
}

export function basicConstraintsOf(certificate: Certificate): BasicConstraints {
  const value = certificate.extensions.get(oids.basicConstraints)?.value;
  if (value === undefined) return { isAuthority: false };
  const [isAuthority, pathLength] = readDer(value).sequence;
  return {
    isAuthority: isAuthority?.boolean ?? false,
    ...(pathLength !== undefined && { pathLength: Number(pathLength.integer) }),
  };
}

/** Bit 0 is digitalSignature and bit 5 is keyCertSign (RFC 5280 §4.2.1.3). */
export function hasKeyUsage(certificate: Certificate, bit: 0 | 5): boolean {
  const value = certificate.extensions.get(oids.keyUsage)?.value;
  if (value === undefined) return false;
  const first = readDer(value).bits[0] ?? 0;
  return (first & (0x80 >> bit)) !== 0;
}

export function extendedKeyUsagesOf(certificate: Certificate): readonly string[] {
  const value = certificate.extensions.get(oids.extendedKeyUsage)?.value;
  return value === undefined ? [] : readDer(value).sequence.map(purpose => purpose.objectIdentifier);
}

function parseExtensions(tagged: DerValue | undefined): Map<string, CertificateExtension> {
  const extensions = new Map<string, CertificateExtension>();
  if (tagged === undefined) return extensions;
  for (const extension of tagged.expect(0xa3).member(0).sequence) {
    const members = extension.sequence;
    const [name, second, third] = members;
    const id = name?.objectIdentifier ?? '';
    if (extensions.has(id)) throw new DerError(`a certificate has the extension ${id} twice`);
    const value = members.length === 3 ? third : second;
    if (value === undefined || members.length > 3) throw new DerError(`the extension ${id} is malformed`);
    extensions.set(id, {
      critical: members.length === 3 && second !== undefined && second.boolean,
      value: value.octets,
    });
  }
  return extensions;
}

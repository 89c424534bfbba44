import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { oids } from '../der/oids.ts';
import {
  algorithm,
  bitString,
  boolean,
  encode,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from '../der/writer.ts';
import { keyIdentifierOf } from './certificate.ts';

/** A name with exactly one organization, which `gh` insists on. */
export interface IssuerName {
  readonly organization: string;
  readonly commonName: string;
}

export interface CertificateRequest {
  readonly serial: Uint8Array;
  readonly subject?: IssuerName;
  readonly issuer: IssuerName;
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Uint8Array[];
}

/** The to-be-signed part of a certificate (RFC 5280 §4.1.2), always with ecdsa-with-SHA384. */
export function encodeToBeSigned(request: CertificateRequest, extensions = request.extensions): Buffer {
  return sequence(
    explicit(0, integer(2)),
    integer(request.serial),
    algorithm(oids.ecdsaSha384),
    encodeName(request.issuer),
    sequence(time(request.notBefore), time(request.notAfter)),
    request.subject === undefined ? sequence() : encodeName(request.subject),
    request.spki,
    explicit(3, sequence(...extensions)),
  );
}

export function signCertificate(toBeSigned: Uint8Array, issuerKey: KeyObject): Buffer {
  const signature = sign('sha384', toBeSigned, issuerKey);
  return sequence(toBeSigned, algorithm(oids.ecdsaSha384), bitString(signature));
}

/** 20 random bytes whose top bits are 01: positive and of full length. */
export function randomSerial(): Buffer {
  const serial = randomBytes(20);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

export function encodeName(name: IssuerName): Buffer {
  const part = (oid: string, text: string) => set(sequence(objectIdentifier(oid), utf8String(text)));
  return sequence(part(oids.organization, name.organization), part(oids.commonName, name.commonName));
}

export function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

export const extensions = {
  signingKeyUsage: extension(oids.keyUsage, bitString(Buffer.of(0x80), 7), true),
  authorityKeyUsage: extension(oids.keyUsage, bitString(Buffer.of(0x06), 1), true),
  codeSigning: extension(oids.extendedKeyUsage, sequence(objectIdentifier(oids.codeSigning))),
  timeStamping: extension(oids.extendedKeyUsage, sequence(objectIdentifier(oids.timeStamping)), true),
  authority: (pathLength: number) =>
    extension(oids.basicConstraints, sequence(boolean(true), integer(pathLength)), true),
  subjectKey: (spki: Uint8Array) => extension(oids.subjectKeyId, octetString(keyIdentifierOf(spki))),
  authorityKey: (spki: Uint8Array) =>
    extension(oids.authorityKeyId, sequence(implicit(0, keyIdentifierOf(spki)))),
  uri: (uri: string) =>
    extension(oids.subjectAltName, sequence(encode(0x86, Buffer.from(uri, 'ascii'))), true),
  email: (email: string) =>
    extension(oids.subjectAltName, sequence(encode(0x81, Buffer.from(email, 'ascii'))), true),
  /** First generation: the bare bytes of the text. */
  fulcioBytes: (n: number, text: string) => extension(`${oids.fulcio}.${n}`, Buffer.from(text, 'utf8')),
  fulcioText: (n: number, text: string) => extension(`${oids.fulcio}.${n}`, utf8String(text)),
  timestamps: (list: Uint8Array) => extension(oids.sctList, list),
};

export function spkiOf(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' });
}

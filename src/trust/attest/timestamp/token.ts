import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Certificate } from '../certificates/certificate.ts';
import { DerError } from '../der/der-error.ts';
import { digestNames, oids } from '../der/oids.ts';
import { readDer } from '../der/reader.ts';
import {
  algorithm,
  boolean,
  encode,
  explicit,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  sortedSet,
  time,
} from '../der/writer.ts';

/** What a client asks a timestamp authority (RFC 3161 §2.4.1). */
export interface TimestampRequest {
  readonly digestOid: string;
  readonly digest: Buffer;
  readonly policy?: string;
  readonly nonce?: Buffer;
  readonly wantsCertificate: boolean;
}

export interface TimestampIssuer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

export function encodeTimestampRequest(request: TimestampRequest): Buffer {
  return sequence(
    integer(1),
    encodeImprint(request),
    ...(request.policy === undefined ? [] : [objectIdentifier(request.policy)]),
    ...(request.nonce === undefined ? [] : [encode(0x02, request.nonce)]),
    ...(request.wantsCertificate ? [boolean(true)] : []),
  );
}

export function parseTimestampRequest(der: Uint8Array): TimestampRequest {
  const [version, imprint, ...optional] = readDer(der).sequence;
  if (version?.integer !== 1n || imprint === undefined) throw new DerError('not a timestamp request');
  const [digestAlgorithm, digest] = imprint.sequence;
  const policy = optional.find(part => part.is(0x06))?.objectIdentifier;
  const nonce = optional.find(part => part.is(0x02))?.content;
  return {
    digestOid: digestAlgorithm?.member(0).objectIdentifier ?? '',
    digest: digest?.octets ?? Buffer.alloc(0),
    wantsCertificate: optional.find(part => part.is(0x01))?.boolean ?? false,
    ...(policy !== undefined && { policy }),
    ...(nonce !== undefined && { nonce }),
  };
}

/** A granted reply with a token: CMS SignedData over a TSTInfo (RFC 3161 §2.4.2, RFC 5652 §5). */
export function issueTimestamp(request: TimestampRequest, issuer: TimestampIssuer, at: Date): Buffer {
  const info = encodeInfo(request, at);
  const attributes = [
    attribute(oids.contentType, objectIdentifier(oids.tstInfo)),
    attribute(oids.signingTime, time(at)),
    attribute(oids.messageDigest, octetString(sha256(info))),
    attribute(
      oids.signingCertificateV2,
      sequence(sequence(sequence(octetString(sha256(issuer.certificate.raw))))),
    ),
  ];
  const signed = sortedSet(...attributes);
  const signerInfo = sequence(
    integer(1),
    sequence(issuer.certificate.issuer, integer(bytesOfSerial(issuer.certificate.serial))),
    algorithm(oids.sha256),
    Buffer.concat([Buffer.of(0xa0), signed.subarray(1)]),
    algorithm(oids.ecdsaSha256),
    octetString(sign('sha256', signed, issuer.key)),
  );
  const signedData = sequence(
    integer(3),
    set(algorithm(oids.sha256)),
    sequence(objectIdentifier(oids.tstInfo), explicit(0, octetString(info))),
    ...(request.wantsCertificate ? [explicit(0, issuer.certificate.raw)] : []),
    set(signerInfo),
  );
  return sequence(sequence(integer(0)), sequence(objectIdentifier(oids.signedData), explicit(0, signedData)));
}

function encodeInfo(request: TimestampRequest, at: Date): Buffer {
  const serial = randomBytes(8);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return sequence(
    integer(1),
    objectIdentifier(request.policy ?? oids.timestampPolicy),
    encodeImprint(request),
    integer(serial),
    generalizedTime(at),
    sequence(integer(1)),
    ...(request.nonce === undefined ? [] : [encode(0x02, request.nonce)]),
  );
}

function encodeImprint(request: TimestampRequest): Buffer {
  return sequence(algorithm(request.digestOid), octetString(request.digest));
}

function attribute(oid: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(oid), set(value));
}

function bytesOfSerial(serial: bigint): Buffer {
  const hex = serial.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The length that a digest must have, or undefined when the algorithm is unknown or too weak. */
export function digestLength(oid: string): number | undefined {
  const name = digestNames[oid];
  return name === undefined ? undefined : Number(name.slice(3)) / 8;
}

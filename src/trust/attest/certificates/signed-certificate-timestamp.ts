import { createHash } from 'node:crypto';
import { DerError } from '../der/der-error.ts';
import { oids } from '../der/oids.ts';
import { type DerValue, readDer } from '../der/reader.ts';
import { encode, explicit, octetString, sequence } from '../der/writer.ts';
import type { Certificate } from './certificate.ts';

/** What a certificate transparency log promises about one certificate (RFC 6962 §3.2). */
export interface SignedCertificateTimestamp {
  readonly logId: Buffer;
  readonly at: bigint;
  readonly extensions: Buffer;
  /** Hash and signature algorithm (RFC 5246 §7.4.1.4.1); 4 and 3 are SHA-256 and ECDSA. */
  readonly algorithm: readonly [number, number];
  readonly signature: Buffer;
}

const maxTimestamps = 16;

/** The bytes that a log signs for a precertificate: its issuer's key and the certificate without timestamps. */
export function encodePrecertificateEntry(entry: {
  readonly at: bigint;
  readonly issuerSpki: Uint8Array;
  readonly signed: Uint8Array;
  readonly extensions: Uint8Array;
}): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64BE(entry.at, 2);
  head.writeUInt16BE(1, 10);
  return Buffer.concat([
    head,
    createHash('sha256').update(entry.issuerSpki).digest(),
    uint(entry.signed.length, 3),
    entry.signed,
    uint(entry.extensions.length, 2),
    entry.extensions,
  ]);
}

/** The to-be-signed part without its timestamp list: what the log saw. */
export function withoutTimestamps(certificate: Certificate): Buffer {
  const parts = certificate.signed.members.map(part => (part.is(0xa3) ? stripList(part) : part.raw));
  return sequence(...parts);
}

function stripList(extensions: DerValue): Buffer {
  const kept = extensions
    .member(0)
    .sequence.filter(extension => extension.member(0).objectIdentifier !== oids.sctList)
    .map(extension => extension.raw);
  return explicit(3, encode(0x30, ...kept));
}

export function encodeTimestampList(timestamp: SignedCertificateTimestamp): Buffer {
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(timestamp.at);
  const one = Buffer.concat([
    Buffer.of(0),
    timestamp.logId,
    at,
    uint(timestamp.extensions.length, 2),
    timestamp.extensions,
    Buffer.from(timestamp.algorithm),
    uint(timestamp.signature.length, 2),
    timestamp.signature,
  ]);
  return octetString(Buffer.concat([uint(one.length + 2, 2), uint(one.length, 2), one]));
}

export function timestampsOf(certificate: Certificate): SignedCertificateTimestamp[] {
  const value = certificate.extensions.get(oids.sctList)?.value;
  if (value === undefined) return [];
  const list = new Cursor(readDer(value).octets);
  const inner = new Cursor(list.take(list.uint(2)));
  list.finish();
  const found: SignedCertificateTimestamp[] = [];
  while (!inner.isDone) {
    if (found.length >= maxTimestamps) throw new DerError('a certificate has too many log timestamps');
    found.push(parseTimestamp(new Cursor(inner.take(inner.uint(2)))));
  }
  return found;
}

function parseTimestamp(from: Cursor): SignedCertificateTimestamp {
  if (from.uint(1) !== 0) throw new DerError('a log timestamp has an unknown version');
  const timestamp = {
    logId: from.take(32),
    at: from.take(8).readBigUInt64BE(),
    extensions: from.take(from.uint(2)),
    algorithm: [from.uint(1), from.uint(1)] as const,
    signature: from.take(from.uint(2)),
  };
  from.finish();
  return timestamp;
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new DerError('a log timestamp is cut short');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  uint(size: 1 | 2): number {
    return this.take(size).readUIntBE(0, size);
  }

  finish(): void {
    if (!this.isDone) throw new DerError('bytes follow a log timestamp');
  }
}

function uint(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

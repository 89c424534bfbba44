import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../../model/clock.ts';
import type { Certificate } from '../certificates/certificate.ts';
import { oids } from '../der/oids.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import {
  digestLength,
  issueTimestamp,
  parseTimestampRequest,
  type TimestampRequest,
} from '../timestamp/token.ts';
import { Refusal } from './refusal.ts';

const names: Readonly<Record<string, string>> = {
  sha256: oids.sha256,
  sha384: oids.sha384,
  sha512: oids.sha512,
};

/** Says when it saw a digest (RFC 3161). */
export class LocalTimestampAuthority {
  readonly #issuer: { readonly certificate: Certificate; readonly key: KeyObject };
  readonly #clock: Clock;

  constructor(certificate: Certificate, key: KeyObject, clock: Clock) {
    this.#issuer = { certificate, key };
    this.#clock = clock;
  }

  stamp(body: Buffer, contentType: string): Buffer {
    const request = contentType.startsWith('application/json') ? fromJson(body) : fromDer(body);
    if (digestLength(request.digestOid) !== request.digest.length) {
      throw new Refusal(400, 'the imprint is not a SHA-256, SHA-384 or SHA-512 digest');
    }
    return issueTimestamp(request, this.#issuer, this.#clock.now());
  }
}

function fromDer(body: Buffer): TimestampRequest {
  try {
    return parseTimestampRequest(body);
  } catch {
    throw new Refusal(400, 'the body is not a timestamp request');
  }
}

function fromJson(body: Buffer): TimestampRequest {
  const request = new Fields(parseStrictJson(body), '');
  const nonce = request.count('nonce');
  return {
    digestOid: names[request.text('hashAlgorithm')] ?? '',
    digest: request.bytes('artifactHash'),
    wantsCertificate: request.raw('certificates') === true,
    ...(nonce > 0 && { nonce: minimalBytes(nonce) }),
  };
}

function minimalBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  const start = bytes.findIndex(byte => byte !== 0);
  const magnitude = bytes.subarray(start);
  return (magnitude[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
}

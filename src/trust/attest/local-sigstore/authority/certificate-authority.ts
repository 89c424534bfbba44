import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../../../model/clock.ts';
import type { Certificate } from '../../certificates/certificate.ts';
import { decodeOnePem } from '../../certificates/pem.ts';
import {
  encodeToBeSigned,
  extensions,
  randomSerial,
  signCertificate,
  spkiOf,
} from '../../certificates/profile.ts';
import { verifyKeySignature } from '../../certificates/signature.ts';
import {
  encodePrecertificateEntry,
  encodeTimestampList,
} from '../../certificates/signed-certificate-timestamp.ts';
import type { Claims } from '../../identity-token/claims.ts';
import { keyIdOf } from '../../log/key-id.ts';
import type { LocalKeys } from '../keys.ts';
import type { RecordFile } from '../logs/record-file.ts';
import { Refusal } from '../refusal.ts';
import type { LocalAuthority } from './authority.ts';
import { type CertificateIdentity, encodeClaims, identityFromClaims } from './certificate-claims.ts';

const life = 10 * 60 * 1000;

export interface CertificateOrder {
  readonly claims: Claims;
  readonly publicKey: KeyObject;
  readonly proofOfPossession: Buffer;
}

/** One line of the certificate transparency log. */
export interface LoggedCertificate {
  readonly entry: string;
}

/** Issues certificates that bind a key to an identity for ten minutes, and logs every one. */
export class LocalCertificateAuthority {
  readonly #keys: LocalKeys;
  readonly #authority: LocalAuthority;
  readonly #log: RecordFile<LoggedCertificate>;
  readonly #clock: Clock;

  constructor(keys: LocalKeys, authority: LocalAuthority, log: RecordFile<LoggedCertificate>, clock: Clock) {
    this.#keys = keys;
    this.#authority = authority;
    this.#log = log;
    this.#clock = clock;
  }

  /** The new certificate, then those that issued it up to the root. */
  async issue(order: CertificateOrder): Promise<readonly Buffer[]> {
    const identity = identityFromClaims(order.claims);
    if (!verifyKeySignature(Buffer.from(identity.challenge), order.publicKey, order.proofOfPossession)) {
      throw new Refusal(400, 'the proof of possession does not verify with the public key');
    }
    const leaf = await this.#sign(identity, spkiOf(order.publicKey));
    return [leaf, this.#authority.intermediate.raw, this.#authority.root.raw];
  }

  async #sign(identity: CertificateIdentity, spki: Buffer): Promise<Buffer> {
    const { intermediate, intermediateName } = this.#authority;
    const notBefore = new Date(Math.floor(this.#clock.now().getTime() / 1000) * 1000);
    const { kind, value } = identity.subject;
    const parts = [
      extensions.signingKeyUsage,
      extensions.codeSigning,
      extensions.subjectKey(spki),
      extensions.authorityKey(intermediate.spki),
      kind === 'uri' ? extensions.uri(value) : extensions.email(value),
      ...encodeClaims(identity),
    ];
    const request = {
      serial: randomSerial(),
      issuer: intermediateName,
      spki,
      notBefore,
      notAfter: new Date(notBefore.getTime() + life),
      extensions: parts,
    };
    const list = await this.#logCertificate(encodeToBeSigned(request), intermediate);
    const complete = encodeToBeSigned(request, [...parts, extensions.timestamps(list)]);
    return signCertificate(complete, this.#keys['certificate-intermediate']);
  }

  async #logCertificate(signed: Buffer, issuer: Certificate): Promise<Buffer> {
    const at = BigInt(this.#clock.now().getTime());
    const none = Buffer.alloc(0);
    const entry = encodePrecertificateEntry({ at, issuerSpki: issuer.spki, signed, extensions: none });
    await this.#log.append({ entry: entry.toString('base64') });
    const key = this.#keys['ct-log'];
    return encodeTimestampList({
      logId: keyIdOf(spkiOf(key)),
      at,
      extensions: none,
      algorithm: [4, 3],
      signature: sign('sha256', entry, key),
    });
  }
}

/** A public key as clients send it: PEM, or the DER inside. */
export function parsePublicKey(bytes: Buffer): KeyObject {
  try {
    const isPem = bytes.subarray(0, 5).toString('latin1') === '-----';
    const der = isPem ? decodeOnePem(bytes.toString('latin1'), 'PUBLIC KEY') : bytes;
    return checkStrength(createPublicKey({ key: der, format: 'der', type: 'spki' }));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'the public key is not a SubjectPublicKeyInfo');
  }
}

function checkStrength(key: KeyObject): KeyObject {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isStrong =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)) ||
    (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192);
  if (!isStrong) throw new Refusal(400, 'the public key is of a kind or size that is not allowed');
  return key;
}

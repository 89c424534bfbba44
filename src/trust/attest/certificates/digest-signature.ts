import { constants, type KeyObject, publicDecrypt } from 'node:crypto';
import { digestNames } from '../der/oids.ts';
import { readDer } from '../der/reader.ts';
import { nullValue, objectIdentifier, octetString, sequence } from '../der/writer.ts';
import { isCurveName, verifyEcdsaDigest } from './ecdsa-digest.ts';

/** Verifies a signature when only the digest of what was signed is known, which node:crypto cannot. */
export function verifyDigestSignature(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    if (key.asymmetricKeyType === 'ec') return verifyEcdsa(digest, key, signature);
    return key.asymmetricKeyType === 'rsa' && verifyRsa(digest, key, signature);
  } catch {
    // Both libraries throw for signatures that are not even encoded like one.
    return false;
  }
}

function verifyEcdsa(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (!isCurveName(curve)) return false;
  return verifyEcdsaDigest(curve, digest, pointOf(key), signature);
}

const points = new WeakMap<KeyObject, Uint8Array>();

function pointOf(key: KeyObject): Uint8Array {
  const point = points.get(key) ?? readDer(key.export({ format: 'der', type: 'spki' })).member(1).bits;
  points.set(key, point);
  return point;
}

/** PKCS#1 v1.5: what comes out must be the one encoding of the digest (RFC 8017 §8.2.2). */
function verifyRsa(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const [oid] =
    Object.entries(digestNames).find(([, name]) => Number(name.slice(3)) / 8 === digest.length) ?? [];
  if (oid === undefined) return false;
  const expected = sequence(sequence(objectIdentifier(oid), nullValue), octetString(digest));
  const actual = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
  return actual.equals(expected);
}

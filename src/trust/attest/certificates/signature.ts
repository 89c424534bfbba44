import { type KeyObject, verify } from 'node:crypto';
import { oids } from '../der/oids.ts';

interface SignatureScheme {
  readonly keyType: string;
  readonly hash: 'sha256' | 'sha384' | 'sha512' | undefined;
}

const schemes: Readonly<Record<string, SignatureScheme>> = {
  [oids.ecdsaSha256]: { keyType: 'ec', hash: 'sha256' },
  [oids.ecdsaSha384]: { keyType: 'ec', hash: 'sha384' },
  [oids.ecdsaSha512]: { keyType: 'ec', hash: 'sha512' },
  [oids.rsaSha256]: { keyType: 'rsa', hash: 'sha256' },
  [oids.rsaSha384]: { keyType: 'rsa', hash: 'sha384' },
  [oids.rsaSha512]: { keyType: 'rsa', hash: 'sha512' },
  [oids.ed25519]: { keyType: 'ed25519', hash: undefined },
};

/** A signature whose algorithm is named by an object identifier, as in certificates and CMS. */
export function verifyNamedSignature(
  algorithm: string,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  const scheme = schemes[algorithm];
  if (scheme === undefined || key.asymmetricKeyType !== scheme.keyType) return false;
  return verifies(scheme.hash, data, key, signature);
}

/** A signature by a key over data, with the hash that Sigstore uses for that kind of key. */
export function verifyKeySignature(data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  return verifies(hashFor(key), data, key, signature);
}

/** Larger curves sign with a hash of their own size, except in clients that hash everything with SHA-256. */
export function verifyContentSignature(data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const isLargeCurve = ['sha384', 'sha512'].includes(hashFor(key) ?? '');
  return (
    verifyKeySignature(data, key, signature) || (isLargeCurve && verifies('sha256', data, key, signature))
  );
}

/** P-256 and RSA hash with SHA-256, P-384 with SHA-384, P-521 with SHA-512; Ed25519 hashes by itself. */
export function hashFor(key: KeyObject): 'sha256' | 'sha384' | 'sha512' | undefined {
  if (key.asymmetricKeyType === 'ed25519') return undefined;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'secp384r1') return 'sha384';
  return curve === 'secp521r1' ? 'sha512' : 'sha256';
}

function verifies(
  hash: string | undefined,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hash, data, key, signature);
  } catch {
    // OpenSSL throws for signatures that are not even encoded like one.
    return false;
  }
}

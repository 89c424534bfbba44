import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { hashFor } from '../certificates/signature.ts';
import type { KeyHolder } from './signer.ts';

/** Signs with a private key in memory. */
export function memorySigner(privateKey: KeyObject): KeyHolder {
  return {
    publicKey: createPublicKey(privateKey),
    // oxlint-disable-next-line typescript/require-await
    sign: async bytes => sign(hashFor(privateKey), bytes, privateKey),
  };
}

/** A key that lives as long as one signing run. */
export function ephemeralSigner(): KeyHolder {
  return memorySigner(ephemeralKey());
}

export function ephemeralKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

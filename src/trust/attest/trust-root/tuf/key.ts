import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Fields } from '../../json/fields.ts';

/** A key of a role (TUF 1.0 §4.2). Its identity is the key itself: ids are only names, and one key may have many. */
export interface TufKey {
  readonly identity: string;
  verifies(payload: Buffer, signature: Buffer): boolean;
}

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const smallestRsa = 2048;

/** Undefined for a kind that this client does not know: such a key vouches for nothing. */
export function readKey(fields: Fields): TufKey | undefined {
  const value = fields.object('keyval').text('public');
  switch (fields.text('scheme')) {
    case 'ed25519':
      return keyOf(openEd25519(value), (key, payload, signature) => verify(null, payload, key, signature));
    case 'ecdsa-sha2-nistp256':
      return keyOf(openPem(value, isP256), (key, payload, signature) =>
        verify('sha256', payload, { key, dsaEncoding: 'der' }, signature),
      );
    case 'rsassa-pss-sha256':
      return keyOf(openPem(value, isLargeRsa), (key, payload, signature) =>
        verify('sha256', payload, { key, padding, saltLength }, signature),
      );
    default:
      return undefined;
  }
}

const padding = constants.RSA_PKCS1_PSS_PADDING;
const saltLength = constants.RSA_PSS_SALTLEN_AUTO;

function keyOf(
  key: KeyObject | undefined,
  check: (key: KeyObject, payload: Buffer, signature: Buffer) => boolean,
): TufKey | undefined {
  if (key === undefined) return undefined;
  return {
    identity: key.export({ type: 'spki', format: 'der' }).toString('base64'),
    verifies: (payload, signature) => {
      try {
        return check(key, payload, signature);
      } catch {
        return false;
      }
    },
  };
}

function openEd25519(hex: string): KeyObject | undefined {
  if (!/^[0-9a-f]{64}$/.test(hex)) return undefined;
  return createPublicKey({
    key: Buffer.concat([ed25519Prefix, Buffer.from(hex, 'hex')]),
    format: 'der',
    type: 'spki',
  });
}

function openPem(text: string, isRight: (key: KeyObject) => boolean): KeyObject | undefined {
  if (!text.startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    const key = createPublicKey(text);
    return isRight(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function isLargeRsa(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= smallestRsa;
}

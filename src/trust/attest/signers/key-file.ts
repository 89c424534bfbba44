import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Fault } from '../../../ground/fault/fault.ts';
import { decryptCosignKey, isCosignKey } from './cosign-key.ts';
import { memorySigner } from './memory-signer.ts';
import type { KeyHolder } from './signer.ts';

export interface KeySecret {
  /** Asked for only when the key is encrypted; from COSIGN_PASSWORD or a prompt, never from the command line. */
  readonly password?: () => Promise<string>;
}

/** A signer from the text of a key: PEM (PKCS#8, SEC 1, PKCS#1), encrypted or not, or an encrypted cosign key. */
export async function signerFromKeyText(text: string, secret: KeySecret = {}): Promise<KeyHolder> {
  if (isCosignKey(text)) {
    const pkcs8 = await decryptCosignKey(text, await passwordOf(secret));
    return signerOf(() => createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  }
  if (text.includes('ENCRYPTED')) {
    const passphrase = await passwordOf(secret);
    return signerOf(() => createPrivateKey({ key: text, format: 'pem', passphrase }));
  }
  return signerOf(() => createPrivateKey({ key: text, format: 'pem' }));
}

/** A signer from an environment variable, named as cosign names it: `env://NAME`. */
export async function signerFromEnvironment(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
  secret: KeySecret = {},
): Promise<KeyHolder> {
  const text = environment[name];
  if (text !== undefined && text !== '') return await signerFromKeyText(text, secret);
  throw new Fault('KEY_INVALID', {
    what: 'The environment variable that should hold the signing key is empty.',
    where: name,
    next: `set ${name} to the key, or name a file with --key`,
  });
}

/** A public key from PEM text: bare, or of a certificate. */
export function publicKeyFromText(text: string): KeyObject {
  try {
    const key = createPublicKey(text);
    if (/PRIVATE KEY/.test(text)) throw new Error('private');
    return supported(key);
  } catch {
    throw new Fault('KEY_INVALID', {
      what: 'The public key cannot be read.',
      expected: 'a PEM block "PUBLIC KEY"',
    });
  }
}

async function passwordOf({ password }: KeySecret): Promise<string> {
  if (password !== undefined) return await password();
  throw new Fault('KEY_INVALID', {
    what: 'The signing key is encrypted and no password is given.',
    next: 'set COSIGN_PASSWORD to the password of the key',
  });
}

function signerOf(read: () => KeyObject): KeyHolder {
  try {
    return memorySigner(supported(read()));
  } catch {
    // The cause may quote the key or its password; it is dropped on purpose.
    throw new Fault('KEY_INVALID', {
      what: 'The signing key cannot be read.',
      expected:
        'an unencrypted or rightly decrypted PEM private key: ECDSA P-256/384/521, Ed25519, or RSA from 2048 bits',
    });
  }
}

function supported(key: KeyObject): KeyObject {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isGood =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)) ||
    (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048);
  if (!isGood) throw new Error('unsupported');
  return key;
}

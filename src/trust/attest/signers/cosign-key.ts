import { randomBytes, scrypt } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { Fault } from '../../../ground/fault/fault.ts';
import { decodePem, encodePem } from '../certificates/pem.ts';
import { encodeBase64 } from '../json/base64.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';

const labels = ['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY'];
/** What cosign writes, and the most that is accepted: a file must not decide how much memory we use. */
const written = { N: 65_536, r: 8, p: 1 } as const;
const largest = { N: 1_048_576, r: 16, p: 4 } as const;

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export function isCosignKey(pem: string): boolean {
  return labels.some(label => pem.includes(`-----BEGIN ${label}-----`));
}

/** The PKCS#8 key inside an encrypted `cosign.key`. */
export async function decryptCosignKey(pem: string, password: string): Promise<Buffer> {
  const { cost, salt, nonce, ciphertext } = readKeyFile(pem);
  const key = await derive(password, salt, cost);
  try {
    return Buffer.from(xsalsa20poly1305(key, nonce).decrypt(ciphertext));
  } catch {
    // The library's error is about a tag; what people need to hear is about their password.
    throw new Fault('KEY_INVALID', {
      what: 'The signing key cannot be decrypted.',
      expected: 'the password that the key was encrypted with',
      next: 'set COSIGN_PASSWORD to the password of the key',
    });
  }
}

export async function encryptCosignKey(pkcs8: Uint8Array, password: string): Promise<string> {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const key = await derive(password, salt, written);
  const file = {
    kdf: { name: 'scrypt', params: written, salt: encodeBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encodeBase64(nonce) },
    ciphertext: encodeBase64(xsalsa20poly1305(key, nonce).encrypt(pkcs8)),
  };
  return encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from(JSON.stringify(file)));
}

function readKeyFile(pem: string) {
  try {
    const block = decodePem(pem).find(({ label }) => labels.includes(label));
    const file = new Fields(parseStrictJson(block?.der ?? ''), '');
    const [kdf, cipher] = [file.object('kdf'), file.object('cipher')];
    if (kdf.text('name') !== 'scrypt' || cipher.text('name') !== 'nacl/secretbox') throw new Error('unknown');
    const parameters = kdf.object('params');
    const cost = { N: parameters.count('N'), r: parameters.count('r'), p: parameters.count('p') };
    if (!isAffordable(cost)) throw new Error('too expensive');
    const nonce = cipher.bytes('nonce');
    if (nonce.length !== 24) throw new Error('nonce');
    return { cost, salt: kdf.bytes('salt'), nonce, ciphertext: file.bytes('ciphertext') };
  } catch {
    throw new Fault('KEY_INVALID', {
      what: 'The encrypted signing key cannot be read.',
      expected: 'a key as "cosign generate-key-pair" writes it (scrypt, nacl/secretbox)',
    });
  }
}

function isAffordable({ N, r, p }: Cost): boolean {
  const isPower = Number.isInteger(Math.log2(N)) && N > 1;
  return isPower && N <= largest.N && r > 0 && r <= largest.r && p > 0 && p <= largest.p;
}

function derive(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';

const kinds = {
  'certificate-root': 'P-384',
  'certificate-intermediate': 'P-384',
  'ct-log': 'P-256',
  'rekor-v1': 'P-256',
  'rekor-v2': 'ed25519',
  'timestamp-root': 'P-384',
  timestamp: 'P-256',
  // cosign takes a token on its command line only when it is signed with RS256.
  issuer: 'rsa',
} as const;

export type LocalKeyName = keyof typeof kinds;
export type LocalKeys = Readonly<Record<LocalKeyName, KeyObject>>;

/** The private keys of one local Sigstore: made once, kept in files that only their owner can read. */
export async function loadKeys(folder: string | undefined): Promise<LocalKeys> {
  const names = Object.keys(kinds) as LocalKeyName[];
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const loaded = await Promise.all(names.map(async name => [name, await loadKey(folder, name)] as const));
  return Object.fromEntries(loaded) as LocalKeys;
}

/** One of them; the others are neither read nor made. */
export async function loadKey(folder: string | undefined, name: LocalKeyName): Promise<KeyObject> {
  if (folder === undefined) return generateKey(name);
  const path = join(folder, `${name}.pem`);
  const kept = await readIfThere(path);
  if (kept !== undefined) return createPrivateKey(kept);
  const key = generateKey(name);
  const pem = key.export({ format: 'pem', type: 'pkcs8' });
  await writeFileAtomically(path, pem, { mode: 0o600, durable: true });
  return key;
}

function generateKey(name: LocalKeyName): KeyObject {
  const kind = kinds[name];
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
}

/** The text of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { hasCode } from '../../ground/fault/fault.ts';
import { readNamedText } from '../../ground/store/named-text.ts';
import { dataFolder } from '../../ground/store/user-folders.ts';
import { saysLocal } from '../../trust/attest/trust-root/local-certificate.ts';
import { newestPublicGoodRoot, refreshedFile } from '../../trust/attest/trust-root/refreshed-root.ts';
import { parseTrustRoot, type TrustRoot } from '../../trust/attest/trust-root/trust-root.ts';
import { sigstoreFolder } from '../serve-sigstore.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Which local Sigstore of this machine: that of a project, or that in a folder. */
export interface LocalPlace {
  readonly project?: string;
  readonly folder?: string;
}

const trustRoot = { what: 'the trust root', expected: 'a trusted_root.json' };

export const defaultProject = 'local';

export function localFolder(local: LocalPlace, env: Environment): string {
  return local.folder ?? sigstoreFolder(local.project ?? defaultProject, env);
}

/** The root of a local Sigstore, under a name that says what it is. */
export async function readLocalRoot(folder: string): Promise<TrustRoot> {
  const path = join(folder, 'trusted_root.json');
  return parseOnce(
    `local:${basename(folder)}`,
    await readNamedText(path, { ...trustRoot, next: 'cg sigstore serve' }),
  );
}

/** The local root only to be able to say "made by a local Sigstore" of what it made; nothing depends on it. */
export async function findLocalRoot(folder: string): Promise<TrustRoot | undefined> {
  try {
    return await readLocalRoot(folder);
  } catch (error) {
    if (hasCode(error, 'FILE_MISSING', 'TRUST_ROOT_INVALID')) return undefined;
    throw error;
  }
}

/** Reads `FILE`, or `NAME=FILE`. A file that only a local Sigstore wrote keeps the name of one. */
export async function readNamedRoot(text: string): Promise<TrustRoot> {
  const [, given, path = text] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})=(.+)$/.exec(text) ?? [];
  const name = given ?? basename(path).replace(/\.jsonl?$/, '');
  const content = await readNamedText(path, trustRoot);
  const root = parseOnce(`local:${name}`, content);
  const certificates = [...root.authorities, ...root.timestampAuthorities].flatMap(({ chain }) => chain);
  const isLocal = certificates.length > 0 && certificates.every(saysLocal);
  // A mixture is refused by the parser: local authorities may not hide under another name.
  return isLocal ? root : parseOnce(`private:${name}`, content);
}

/** The roots to judge with: those that were named, else that of the public Sigstore. */
export async function readTrustRoots(
  named: readonly string[],
  env: Environment,
): Promise<readonly TrustRoot[]> {
  return named.length === 0 ? [await readPublicRoot(env)] : await Promise.all(named.map(readNamedRoot));
}

/** The newest that this machine has: the one that ships with the program, or what `cg trust update` fetched since. */
export async function readPublicRoot(
  env: Environment,
  pin?: Parameters<typeof newestPublicGoodRoot>[1],
): Promise<TrustRoot> {
  return await newestPublicGoodRoot(refreshedFile(dataFolder(env)), pin);
}

/** Whoever judges many images with one root shall not read its certificates again for each: a root keeps what it learnt. */
const parsed = new Map<string, TrustRoot>();
const mostParsed = 32;

function parseOnce(name: string, text: string): TrustRoot {
  const key = `${name}\n${createHash('sha256').update(text).digest('hex')}`;
  const root = parsed.get(key) ?? parseTrustRoot(name, text);
  if (parsed.size >= mostParsed) parsed.clear();
  parsed.set(key, root);
  return root;
}

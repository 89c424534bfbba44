import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Environment } from '../../../ground/http/proxy.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { eraseFromHelper, storeInHelper } from './credential-program.ts';
import {
  configKeys,
  type DockerConfig,
  dockerConfigPath,
  helperFor,
  primaryKey,
  readDockerConfig,
} from './docker-config.ts';

export interface Login {
  readonly registry: string;
  readonly username: string;
  readonly secret: string;
  /** The secret is a refresh token of the registry, not a password. */
  readonly isIdentityToken?: boolean;
}

export interface Stored {
  /** A credential helper, or the path of the file. */
  readonly place: string;
  /** Anybody who can read the file can use it: base64 hides nothing. */
  readonly isPlain: boolean;
}

/** Keeps a login where Docker would: with the helper that the file names, else in the file itself. */
export async function storeLogin(login: Login, env: Environment, signal?: AbortSignal): Promise<Stored> {
  const config = await readDockerConfig(dockerConfigPath(env));
  const helper = helperFor(config, login.registry);
  const key = primaryKey(login.registry);
  if (helper !== undefined) {
    const username = login.isIdentityToken === true ? '<token>' : login.username;
    await storeInHelper(helper.program, { server: key, username, secret: login.secret }, env, signal);
    return { place: `docker-credential-${helper.program}`, isPlain: false };
  }
  await writeAuths(config, auths => ({ ...withoutRegistry(auths, login.registry), [key]: entryOf(login) }));
  return { place: config.path, isPlain: true };
}

/** Says whether there was anything to forget. */
export async function eraseLogin(registry: string, env: Environment, signal?: AbortSignal): Promise<boolean> {
  const config = await readDockerConfig(dockerConfigPath(env));
  const helper = helperFor(config, registry);
  if (helper !== undefined) await eraseFromHelper(helper.program, primaryKey(registry), env, signal);
  const auths = authsOf(config);
  const rest = withoutRegistry(auths, registry);
  const wasThere = Object.keys(rest).length < Object.keys(auths).length;
  if (wasThere) await writeAuths(config, () => rest);
  return wasThere || helper !== undefined;
}

function entryOf({ username, secret, isIdentityToken }: Login): Record<string, string> {
  const pair = (password: string): string =>
    Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  return isIdentityToken === true ? { auth: pair(''), identitytoken: secret } : { auth: pair(secret) };
}

function withoutRegistry(auths: Record<string, unknown>, registry: string): Record<string, unknown> {
  const own = new Set(
    configKeys(registry, '').flatMap(key => [key, `https://${key}`, `http://${key}`, `https://${key}/`]),
  );
  return Object.fromEntries(Object.entries(auths).filter(([key]) => !own.has(key)));
}

function authsOf({ content }: DockerConfig): Record<string, unknown> {
  const auths = content['auths'];
  return typeof auths === 'object' && auths !== null ? (auths as Record<string, unknown>) : {};
}

/** Everything else in the file stays as it is, in its order. */
async function writeAuths(
  config: DockerConfig,
  change: (auths: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const content = { ...config.content, auths: change(authsOf(config)) };
  await makeFolder(dirname(config.path), { mode: 0o700 });
  await writeFileAtomically(config.path, `${JSON.stringify(content, null, await indentOf(config.path))}\n`, {
    mode: 0o600,
  });
}

async function indentOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? '\t';
}

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Environment } from '../../../ground/http/proxy.ts';
import type { Credential } from './credential.ts';

type Json = Record<string, unknown>;

/** Docker's `config.json`, as far as it says who we are; whatever else it holds is kept as it is. */
export interface DockerConfig {
  readonly path: string;
  readonly content: Json;
}

const dockerHubKey = 'https://index.docker.io/v1/';
const largestConfig = 4 * 1024 * 1024;

/** The file that `cg login` writes. */
export function dockerConfigPath(env: Environment): string {
  const folder = env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
  return join(folder, 'config.json');
}

/** Where credentials may be, best first: Docker's file, then those of podman and skopeo. */
export function credentialFiles(env: Environment): readonly string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const containers =
    env['REGISTRY_AUTH_FILE'] || (runtime ? join(runtime, 'containers', 'auth.json') : undefined);
  return [dockerConfigPath(env), ...(containers === undefined ? [] : [containers])];
}

export async function readDockerConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { path, content: {} };
    throw broken(path, 'could not be read', error);
  }
  if (text.trim() === '') return { path, content: {} };
  if (text.length > largestConfig) throw broken(path, 'is too large');
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, and the text may hold passwords.
    throw broken(path, 'is not JSON');
  }
  if (!isObject(content)) throw broken(path, 'is not a JSON object');
  return { path, content };
}

/** The keys under which a registry can be listed; the longest repository prefix is the most exact. */
export function configKeys(registry: string, repository: string): readonly string[] {
  if (registry === 'docker.io') {
    return [dockerHubKey, 'docker.io', 'index.docker.io', 'registry-1.docker.io', 'https://docker.io'];
  }
  const parts = repository === '' ? [] : repository.split('/');
  const names = parts.map((_, at) => [registry, ...parts.slice(0, parts.length - at)].join('/'));
  return [...names, registry];
}

/** The key that Docker itself would write. */
export function primaryKey(registry: string): string {
  return registry === 'docker.io' ? dockerHubKey : registry;
}

export function credentialFromConfig(
  { path, content }: DockerConfig,
  registry: string,
  repository: string,
): Credential | undefined {
  const auths = isObject(content['auths']) ? content['auths'] : {};
  for (const key of configKeys(registry, repository)) {
    const entry = findEntry(auths, key);
    const credential = entry === undefined ? undefined : readEntry(entry, `${path} (auths)`);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/** The helper program that the file names for a registry, and the name under which to ask it. */
export function helperFor(
  { content }: DockerConfig,
  registry: string,
): { program: string; own: boolean } | undefined {
  const helpers = isObject(content['credHelpers']) ? content['credHelpers'] : {};
  for (const key of configKeys(registry, '')) {
    const name = findEntry(helpers, key);
    if (typeof name === 'string' && name !== '') return { program: name, own: true };
  }
  const store = content['credsStore'];
  return typeof store === 'string' && store !== '' ? { program: store, own: false } : undefined;
}

function findEntry(entries: Json, key: string): unknown {
  const match = Object.keys(entries).find(name => normalise(name) === normalise(key));
  return match === undefined ? undefined : entries[match];
}

function normalise(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
}

function readEntry(value: unknown, source: string): Credential | undefined {
  if (!isObject(value)) return undefined;
  const text = (name: string): string => (typeof value[name] === 'string' ? value[name] : '');
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken'), source };
  if (text('registrytoken') !== '') return { kind: 'bearer', token: text('registrytoken'), source };
  const [username, password] =
    text('auth') === '' ? [text('username'), text('password')] : decodePair(text('auth'));
  return username === '' || password === '' ? undefined : { kind: 'password', username, password, source };
}

function decodePair(encoded: string): [string, string] {
  // Some writers end the text with NUL.
  const pair = Buffer.from(encoded, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = pair.indexOf(':');
  return colon === -1 ? ['', ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function broken(path: string, what: string, cause?: unknown): Fault {
  return new Fault('CREDENTIALS_INVALID', {
    what: `${path} ${what}`,
    where: path,
    next: 'correct or remove the file, then log in again with cg login',
    ...(cause !== undefined && { cause }),
  });
}

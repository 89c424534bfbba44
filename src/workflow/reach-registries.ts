import { setMaxListeners } from 'node:events';
import { Fault } from '../ground/fault/fault.ts';
import type { Environment } from '../ground/http/proxy.ts';
import { readNamedText } from '../ground/store/named-text.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import type { Credential } from '../image/oci/credentials/credential.ts';
import { parsePlatform, suggestPlatform } from '../image/oci/platform.ts';
import type { Platform } from '../model/descriptor.ts';

/** What every command that touches registries takes from its user. */
export interface ReachOptions {
  readonly env: Environment;
  readonly offline?: boolean;
  /** Hosts that may be spoken to in plain http. */
  readonly insecureRegistries?: readonly string[];
  /** Files with certificates of private authorities; `SSL_CERT_FILE` counts as well. */
  readonly caFiles?: readonly string[];
  readonly username?: string;
  readonly password?: string;
  /** For tests and for impatient users; seconds without progress are 60. */
  readonly idleLimit?: number;
  /** Hears why nothing happens. */
  readonly onDelay?: (what: string) => void;
  readonly signal?: AbortSignal;
}

/** Opens what is needed to reach the named registries, and closes it whatever happens. */
export async function reachRegistries<T>(
  o: ReachOptions,
  registries: readonly string[],
  work: (access: RegistryAccess) => Promise<T>,
): Promise<T> {
  const explicit = bindCredential(explicitCredential(o), registries);
  // Every request that is under way listens for the interruption; that is no leak, however many there are.
  if (o.signal !== undefined) setMaxListeners(0, o.signal);
  const access = new RegistryAccess({
    env: o.env,
    ca: await readCertificates(o),
    insecureHosts: o.insecureRegistries ?? [],
    offline: o.offline ?? false,
    ...(o.idleLimit !== undefined && { idleLimit: o.idleLimit }),
    ...(o.onDelay !== undefined && { onDelay: o.onDelay }),
    ...(explicit !== undefined && { explicit }),
  });
  try {
    return await work(access);
  } finally {
    access.close();
  }
}

export function toPlatform(text: string): Platform {
  const parsed = parsePlatform(text);
  if ('value' in parsed) return parsed.value;
  throw new Fault('USAGE', {
    what: parsed.problem,
    expected: 'OS/ARCH or OS/ARCH/VARIANT',
    actual: text.slice(0, 200),
    next: `--platform ${suggestPlatform(text) ?? 'linux/amd64'}`,
  });
}

function explicitCredential({ username, password }: ReachOptions): Credential | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || username === '' || password === undefined || password === '') {
    throw new Fault('USAGE', {
      what: username ? 'a user name needs a password' : 'a password needs a user name',
      next: 'give both: --username NAME --password-stdin',
    });
  }
  return { kind: 'password', username, password, source: '--username and --password-stdin' };
}

/** A password is for one registry: it must not reach the source of a copy because it was meant for the target. */
function bindCredential(
  credential: Credential | undefined,
  registries: readonly string[],
): { registry: string; credential: Credential } | undefined {
  const [registry, ...others] = new Set(registries);
  if (credential === undefined || registry === undefined) return undefined;
  if (others.length === 0) return { registry, credential };
  throw new Fault('USAGE', {
    what: `--username could be for ${[registry, ...others].join(' or for ')}, and the password must not go to both`,
    expected: 'one registry in the command',
    next: `cg login ${others.at(-1)}, and the same command without --username`,
  });
}

async function readCertificates({ caFiles = [], env }: ReachOptions): Promise<string[]> {
  const fromEnvironment = env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : [];
  return await Promise.all([...caFiles, ...fromEnvironment].map(readCertificate));
}

async function readCertificate(path: string): Promise<string> {
  const text = await readNamedText(path, { what: `the certificate file ${path}` });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new Fault('FILE_INVALID', {
    what: `${path} holds no certificate`,
    where: path,
    expected: '-----BEGIN CERTIFICATE-----',
  });
}

import { resolve } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { defined } from '../model/defined.ts';
import { completeImage } from '../workflow/complete-image.ts';
import { listLogins } from '../workflow/list-logins.ts';
import type { ReachOptions } from '../workflow/reach-registries.ts';
import type { Flags, FlagValues } from './command.ts';
import type { Context } from './context.ts';

/** How to reach registries: flags of every command that does. */
export const registryFlags = {
  username: {
    kind: 'text',
    placeholder: 'NAME',
    brief: 'log in as, for this command and its one registry only',
    group: 'Registry',
  },
  passwordStdin: { kind: 'toggle', brief: 'read the password from standard input', group: 'Registry' },
  insecure: {
    kind: 'text',
    placeholder: 'HOST',
    brief: 'speak plain http to this host; loopback hosts need no flag',
    group: 'Registry',
    many: true,
  },
  ca: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'certificate of a private authority, PEM',
    group: 'Registry',
    many: true,
    complete: 'files',
  },
} as const satisfies Flags;

export async function reachOptions(
  flags: FlagValues<typeof registryFlags>,
  context: Context,
): Promise<ReachOptions> {
  const password = flags.passwordStdin ? await readPassword(context) : undefined;
  return {
    env: context.env,
    offline: context.offline,
    insecureRegistries: flags.insecure,
    caFiles: flags.ca.map(file => resolve(context.cwd, file)),
    signal: context.signal,
    onDelay: text => context.progress({ type: 'note', level: 'info', text }),
    ...defined({ username: flags.username, password }),
  };
}

const longestPassword = 64 * 1024;

/** The password is all that stands on standard input, without the end of its line. */
export async function readPassword(context: Context): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of context.stdin) {
    size += chunk.length;
    if (size > longestPassword) break;
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password !== '' && size <= longestPassword) return password;
  throw new Fault('USAGE', {
    what:
      password === ''
        ? 'there is no password on standard input'
        : 'the password on standard input is too long',
    expected: 'one line',
    next: 'printf %s "$PASSWORD" | cg login REGISTRY --username NAME --password-stdin',
  });
}

/** Proposes images, for the shell; it has a second, so that a slow registry does not hold up the typing. */
export async function completeImageArgument(context: Context, prefix: string): Promise<readonly string[]> {
  const { env, cwd, offline, signal } = context;
  return await completeImage(prefix, cwd, {
    env,
    offline,
    signal: AbortSignal.any([signal, AbortSignal.timeout(1000)]),
  });
}

export async function completeLoginHost({ env }: Context): Promise<readonly string[]> {
  return [...new Set(await listLogins(env))];
}

export const platforms: readonly string[] = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'linux/ppc64le',
  'linux/s390x',
  'linux/riscv64',
  'windows/amd64',
];

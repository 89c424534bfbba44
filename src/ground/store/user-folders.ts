import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** What cg keeps for the user: registries, Sigstores, trust roots. */
export function dataFolder(env: Environment): string {
  return join(userFolder(env, 'XDG_DATA_HOME', '.local', 'share'), 'cascadeguard');
}

export function configFolder(env: Environment): string {
  return join(userFolder(env, 'XDG_CONFIG_HOME', '.config'), 'cascadeguard');
}

/** What can be made again. */
export function cacheFolder(env: Environment): string {
  return join(sharedCache(env), 'cascadeguard');
}

/** Where every program of the user has a cache of its own. */
export function sharedCache(env: Environment): string {
  return userFolder(env, 'XDG_CACHE_HOME', '.cache');
}

/** A relative path in such a variable is to be ignored (XDG Base Directory Specification). */
function userFolder(env: Environment, name: string, ...usual: readonly string[]): string {
  const given = env[name];
  return given !== undefined && isAbsolute(given) ? given : join(env['HOME'] || homedir(), ...usual);
}

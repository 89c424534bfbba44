import type { Environment } from '../ground/http/proxy.ts';
import { eraseLogin } from '../image/oci/credentials/store.ts';
import { toRegistryName } from './registry-name.ts';

export interface LogOutOptions {
  readonly registry: string;
  readonly env: Environment;
  readonly signal?: AbortSignal;
}

export interface LoggedOut {
  readonly registry: string;
  readonly wasLoggedIn: boolean;
}

/** Forgets a login in Docker's file and in the helper that it names. */
export async function logOut(o: LogOutOptions): Promise<LoggedOut> {
  const registry = toRegistryName(o.registry);
  return { registry, wasLoggedIn: await eraseLogin(registry, o.env, o.signal) };
}

import { Fault } from '../ground/fault/fault.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import type { Credential } from '../image/oci/credentials/credential.ts';
import { storeLogin } from '../image/oci/credentials/store.ts';
import type { ReachOptions } from './reach-registries.ts';
import { reachRegistries } from './reach-registries.ts';
import { toRegistryName } from './registry-name.ts';

export interface LogInOptions extends ReachOptions {
  readonly registry: string;
  readonly username: string;
  /** From standard input or a prompt, never from the command line. */
  readonly password: string;
}

export interface LoggedIn {
  readonly registry: string;
  readonly username: string;
  /** False when the registry asks nobody who they are, so that there was nothing to check. */
  readonly kept: boolean;
  /** Where it is kept: a file or a credential helper. */
  readonly place?: string;
  /** To be shown: the file holds what anybody who reads it can use. */
  readonly warning?: string;
}

/** Asks the registry whether it accepts the credentials, and only then keeps them. */
export async function logIn(o: LogInOptions): Promise<LoggedIn> {
  const registry = toRegistryName(o.registry);
  const password = o.password.replace(/\r?\n$/, '');
  if (o.username === '' || password === '') {
    throw new Fault('USAGE', {
      what: 'a login needs a user name and a password',
      next: 'cg login REGISTRY --username NAME --password-stdin',
    });
  }
  if (o.username.includes(':'))
    throw new Fault('USAGE', { what: 'a user name with a colon cannot be stored or sent' });
  const credential: Credential = { kind: 'password', username: o.username, password, source: 'this login' };
  const isAsked = await reachRegistries({ ...o, password }, [registry], access =>
    checkCredential(access, registry, credential, o.signal),
  );
  if (!isAsked) return { registry, username: o.username, kept: false };
  const stored = await storeLogin({ registry, username: o.username, secret: password }, o.env, o.signal);
  return {
    registry,
    username: o.username,
    kept: true,
    place: stored.place,
    ...(stored.isPlain && {
      warning: `${stored.place} holds the password in base64, which hides nothing; a credential helper ("credsStore") keeps it in your system's keychain`,
    }),
  };
}

/** `GET /v2/` needs no right but to be known; says whether the registry asked for that. */
async function checkCredential(
  access: RegistryAccess,
  registry: string,
  credential: Credential,
  signal?: AbortSignal,
): Promise<boolean> {
  const session = access.session(registry);
  const response = await session.call({
    path: '',
    repository: '',
    actions: 'none',
    what: `a login as ${credential.kind === 'password' ? credential.username : 'token'}`,
    accept: [200],
    ...(signal !== undefined && { signal }),
  });
  response.discard();
  return session.asksForLogin;
}

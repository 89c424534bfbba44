import { HttpClient, type HttpOptions } from '../../ground/http/client.ts';
import type { CredentialLookup } from './credentials/credential.ts';
import { type CredentialOptions, createCredentialLookup } from './credentials/find.ts';
import type { RemoteOptions } from './remote/remote.ts';
import { RegistrySession } from './remote/session.ts';

export interface AccessOptions extends HttpOptions, RemoteOptions {
  /** What the user gave on the command line. */
  readonly explicit?: CredentialOptions['explicit'];
  /** In place of all the usual places; for tests and for checking a login. */
  readonly credentials?: CredentialLookup;
}

/**
 * How this command reaches registries: one set of connections, one session for each registry, so that tokens
 * and what was learnt about a registry are shared. Close it at the end.
 */
export class RegistryAccess {
  readonly http: HttpClient;
  readonly remote: RemoteOptions;
  readonly #credentials: CredentialLookup;
  readonly #sessions = new Map<string, RegistrySession>();

  constructor(options: AccessOptions = {}) {
    const { explicit, credentials, chunkedFrom, chunkSize, ...http } = options;
    const env = options.env ?? process.env;
    this.http = new HttpClient({ ...http, env });
    this.remote = {
      ...(chunkedFrom !== undefined && { chunkedFrom }),
      ...(chunkSize !== undefined && { chunkSize }),
    };
    this.#credentials =
      credentials ?? createCredentialLookup({ env, ...(explicit !== undefined && { explicit }) });
  }

  session(registry: string): RegistrySession {
    const known = this.#sessions.get(registry);
    if (known !== undefined) return known;
    const session = new RegistrySession(registry, this.http, this.#credentials);
    this.#sessions.set(registry, session);
    return session;
  }

  close(): void {
    this.http.close();
  }
}

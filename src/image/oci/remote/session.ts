import { Fault } from '../../../ground/fault/fault.ts';
import type { HttpClient } from '../../../ground/http/client.ts';
import { parseUrl, redactUrl } from '../../../ground/http/redact-url.ts';
import type { Headers } from '../../../ground/http/redirect.ts';
import type { HttpResponse, RequestBody } from '../../../ground/http/send.ts';
import { KeyLock } from '../../../ground/store/key-lock.ts';
import type { CredentialLookup } from '../credentials/credential.ts';
import { Authorizer } from './authorizer.ts';
import { registryFault } from './registry-fault.ts';

export interface RegistryCall {
  readonly method?: string;
  /** Below `/v2/`, or a whole URL that the registry gave. */
  readonly path: string | URL;
  readonly repository: string;
  readonly actions?: 'pull' | 'pull,push' | 'pull,push,delete' | 'none';
  /** Another repository whose blobs are needed as well. */
  readonly mountFrom?: string;
  readonly headers?: Headers;
  readonly body?: RequestBody;
  readonly retry?: boolean;
  /** The statuses that are answers; every other throws. */
  readonly accept: readonly number[];
  /** What is wanted, in the words of an error: "the manifest of web:1". */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/** A conversation with one registry: where its API is, who we are there, and what it turned out to support. */
export class RegistrySession {
  readonly name: string;
  readonly base: URL;
  readonly http: HttpClient;
  /** Fallback tags are changed by one writer at a time. */
  readonly locks = new KeyLock();
  /** Repositories for which the registry was seen to serve referrers, or not to. */
  readonly servesReferrers = new Map<string, boolean>();
  readonly #authorizer: Authorizer;

  constructor(name: string, http: HttpClient, credentials: CredentialLookup) {
    this.name = name;
    this.http = http;
    this.base = apiOf(name, http);
    this.#authorizer = new Authorizer(http, this, credentials);
  }

  async call(call: RegistryCall): Promise<HttpResponse> {
    const url = call.path instanceof URL ? call.path : new URL(`/v2/${call.path}`, this.base);
    const access = { repository: call.repository, scopes: scopesOf(call), ...pickSignal(call) };
    // What the registry sent us elsewhere for (a signed upload URL) is none of our credentials' business.
    const isHome = url.origin === this.base.origin;
    const send = async (authorization: string | undefined): Promise<HttpResponse> =>
      await this.http.request({
        method: call.method ?? 'GET',
        url,
        headers: { ...call.headers, ...(authorization !== undefined && { authorization }) },
        what: call.what,
        ...(call.body !== undefined && { body: call.body }),
        ...(call.retry !== undefined && { retry: call.retry }),
        ...pickSignal(call),
      });
    let response = await send(isHome ? await this.#authorizer.header(access) : undefined);
    if (response.status === 401 && isHome && response.url.origin === this.base.origin) {
      const authorization = await this.#authorizer.renew(response.headers['www-authenticate'], access);
      if (authorization !== undefined) {
        response.discard();
        response = await send(authorization);
      }
    }
    if (call.accept.includes(response.status)) return response;
    throw await registryFault(response, {
      registry: this.name,
      what: call.what,
      scopes: access.scopes,
      source: await this.#authorizer.source(access),
      hide: text => this.#authorizer.hide(text),
    });
  }

  /** An upload location: relative or absolute; a proxy that forgot its https does not make us forget ours. */
  location(response: HttpResponse): URL {
    const url = parseUrl(response.headers.location ?? '', response.url);
    if (response.headers.location === undefined || url === undefined) {
      throw new Fault('PROTOCOL', {
        what: `${this.name} opened an upload without saying where`,
        where: redactUrl(response.url),
      });
    }
    if (url.protocol === 'http:' && this.base.protocol === 'https:' && url.hostname === this.base.hostname) {
      return new URL(`${this.base.origin}${url.pathname}${url.search}`);
    }
    return url;
  }
}

/** Plain http is for loopback and for hosts that the user named; it is never a second try. */
function apiOf(name: string, http: HttpClient): URL {
  const host = name === 'docker.io' ? 'registry-1.docker.io' : name;
  return new URL(`${http.mayUseHttp(host) ? 'http' : 'https'}://${host}`);
}

function scopesOf({ repository, actions = 'pull', mountFrom }: RegistryCall): string[] {
  if (actions === 'none') return [];
  const own = `repository:${repository}:${actions}`;
  return mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
}

function pickSignal({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { isLoopbackName } from '../../../ground/http/address.ts';
import type { HttpClient } from '../../../ground/http/client.ts';
import { parseUrl, redactUrl } from '../../../ground/http/redact-url.ts';
import type { Headers } from '../../../ground/http/redirect.ts';
import { isRetryable } from '../../../ground/http/retry.ts';
import type { HttpResponse, RequestBody } from '../../../ground/http/send.ts';
import { KeyLock } from '../../../ground/store/key-lock.ts';
import type { CredentialLookup } from '../credentials/credential.ts';
import { Authorizer } from './auth/authorizer.ts';
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
  /** As of a request: at most so many bytes, and asked for again when they are cut off. */
  readonly whole?: number;
  /** The statuses that are answers; every other throws. */
  readonly accept: readonly number[];
  /** What is wanted, in the words of an error: "the manifest of web:1". */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/** A conversation with one registry: where its API is, who we are there, and what it turned out to support. */
export class RegistrySession {
  readonly name: string;
  readonly http: HttpClient;
  /** Fallback tags are changed by one writer at a time. */
  readonly locks = new KeyLock();
  /** Repositories for which the registry was seen to serve referrers, or not to. */
  readonly servesReferrers = new Map<string, boolean>();
  /** Who asks first whether it does; others wait for the answer. */
  readonly askingForReferrers = new Map<string, Promise<boolean>>();
  /** Whether it stores a blob that comes with the request for an upload; unknown until the first small one. */
  takesWholeBlobs: boolean | undefined;
  readonly #authorizer: Authorizer;
  #base: URL;
  /** Until something was answered, a registry of this machine may still turn out to speak https. */
  #isUnknown: boolean;
  #isLearnt: () => void = () => undefined;
  readonly #learning = new Promise<void>(resolve => {
    this.#isLearnt = resolve;
  });

  constructor(name: string, http: HttpClient, credentials: CredentialLookup) {
    this.name = name;
    this.http = http;
    this.#base = apiOf(name, http);
    this.#isUnknown = this.#base.protocol === 'http:' && isLoopbackName(this.#base.hostname);
    if (!this.#isUnknown) this.#isLearnt();
    this.#authorizer = new Authorizer(http, this, credentials);
  }

  get base(): URL {
    return this.#base;
  }

  /** False as long as the registry answered strangers, as the first request always is one. */
  get asksForLogin(): boolean {
    return this.#authorizer.wasAsked;
  }

  async call(call: RegistryCall): Promise<HttpResponse> {
    const isFirst = this.#isUnknown;
    this.#isUnknown = false;
    if (!isFirst) await this.#learning;
    const access = { repository: call.repository, scopes: scopesOf(call), ...pickSignal(call) };
    const locate = (): URL => (call.path instanceof URL ? call.path : new URL(`/v2/${call.path}`, this.base));
    // What the registry sent us elsewhere for (a signed upload URL) is none of our credentials' business.
    const isHome = locate().origin === this.base.origin;
    const send = async (authorization: string | undefined, retry = call.retry): Promise<HttpResponse> =>
      await this.http.request({
        method: call.method ?? 'GET',
        url: locate(),
        headers: { ...call.headers, ...(authorization !== undefined && { authorization }) },
        what: call.what,
        ...(call.path instanceof URL && { from: this.base }),
        ...(call.body !== undefined && { body: call.body }),
        ...(retry !== undefined && { retry }),
        ...(call.whole !== undefined && { whole: call.whole }),
        ...pickSignal(call),
      });
    const header = isHome ? await this.#authorizer.header(access) : undefined;
    let response = await (isFirst ? this.#sendFirst(again => send(header, again)) : send(header));
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

  /**
   * The first request to a registry of this machine also tells whether it speaks https after all: going from
   * http to https is always safe, the other way never. Whatever comes meanwhile waits for the answer.
   */
  async #sendFirst(send: (retry?: false) => Promise<HttpResponse>): Promise<HttpResponse> {
    const outcome = await send(false).catch((error: unknown) => error);
    const isTls = await this.#learnScheme(outcome).finally(() => this.#isLearnt());
    if (outcome instanceof Error) {
      if (!isTls && !hasCode(outcome, 'NETWORK')) throw outcome;
    } else {
      const response = outcome as HttpResponse;
      if (!isTls && !isRetryable(response.status)) return response;
      response.discard();
    }
    return await send();
  }

  async #learnScheme(outcome: unknown): Promise<boolean> {
    const isCut =
      outcome instanceof Fault && outcome.code === 'NETWORK' && !/nothing listens/.test(outcome.message);
    // Go's servers answer 400 in plain text to plain http on their https port.
    const isRefused = !(outcome instanceof Error) && (outcome as HttpResponse).status === 400;
    if (!isCut && !isRefused) return false;
    const secure = new URL(`https://${this.#base.host}`);
    try {
      (await this.http.request({ url: new URL('/v2/', secure), retry: false })).discard();
    } catch (error) {
      // A certificate that is not trusted is https as well, and the next request says so.
      if (!hasCode(error, 'TLS_UNTRUSTED')) return false;
    }
    this.#base = secure;
    return true;
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

import { Fault } from '../fault/fault.ts';
import { isLoopbackName } from './address.ts';
import { Agents } from './agents.ts';
import { readBytes } from './body.ts';
import { connectionFault, isTransient } from './connection-fault.ts';
import { type Environment, proxyFor } from './proxy.ts';
import { redactUrl } from './redact-url.ts';
import { checkHop, type Headers, headersFor, isRedirect, maxRedirects, nextHop } from './redirect.ts';
import {
  delayBefore,
  isRetryable,
  maxAttempts,
  parseRetryAfter,
  systemTiming,
  type Timing,
} from './retry.ts';
import { type HttpResponse, type RequestBody, SourceFailure, send } from './send.ts';

export interface HttpOptions {
  /** Where `HTTPS_PROXY` and its sisters are read. */
  readonly env?: Environment;
  /** Certificates (PEM) of authorities to trust beside the public ones. */
  readonly ca?: readonly string[];
  /** Hosts, with port where there is one, that may be spoken to in plain http. */
  readonly insecureHosts?: readonly string[];
  /** How long the other side may make no progress. */
  readonly idleLimit?: number;
  /** Bytes a second that a body must bring on average over the time limit; CG_LEAST_RATE, else 5,000. */
  readonly leastRate?: number;
  /** Nothing may open a socket; every request fails with OFFLINE. */
  readonly offline?: boolean;
  readonly userAgent?: string;
  readonly timing?: Timing;
  /** Hears, in a few words, why nothing happens: a server that is silent, or one that is asked again. */
  readonly onDelay?: (what: string) => void;
  /** After how long a silent server is told of; for tests. */
  readonly silence?: number;
}

/** Sooner, slow servers are ordinary; later, people think that we hang. */
const silence = 10_000;

export interface HttpRequest {
  readonly method?: string;
  readonly url: URL;
  readonly headers?: Headers;
  /** Who named the URL, when that was a server and not the user: it reaches no further than a redirect would. */
  readonly from?: URL;
  readonly body?: RequestBody;
  /** The body holds credentials: like a header that does, it never goes to another origin. */
  readonly isSecretBody?: boolean;
  /** Repeat after a failed connection or a busy server; the default is yes. */
  readonly retry?: boolean;
  /** The answer is small and wanted whole, up to this many bytes: one that is cut in the middle is asked for again. */
  readonly whole?: number;
  /** What the request is for, in the words of an error: "the manifest of web:1". */
  readonly what?: string;
  readonly signal?: AbortSignal;
}

/** Six transfers at once over a line of 30 kB/s are slow and honest; what is slower says so by a variable. */
const defaultLeastRate = 5_000;

function leastRateOf(env: Environment = {}): number {
  const text = env['CG_LEAST_RATE'] ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : defaultLeastRate;
}

const worthTelling = 1000;

function describeDelay({ host }: URL, outcome: HttpResponse | Fault, delay: number, attempt: number): string {
  const why = outcome instanceof Fault ? 'does not answer' : `answered ${outcome.status}`;
  return `${host} ${why}; asking again in ${Math.ceil(delay / 1000)} s (${attempt + 1} of ${maxAttempts})`;
}

async function* onePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** HTTP with the manners that a registry client needs: limits, retries, safe redirects, proxies, private authorities. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #agents: Agents;
  readonly #timing: Timing;

  constructor(options: HttpOptions = {}) {
    this.#options = options;
    this.#agents = new Agents(options.ca);
    this.#timing = options.timing ?? systemTiming;
  }

  get timing(): Timing {
    return this.#timing;
  }

  get offline(): boolean {
    return this.#options.offline === true;
  }

  /** Plain http is for this machine and for hosts that the user named. */
  mayUseHttp(host: string): boolean {
    return isLoopbackName(host.replace(/:\d+$/, '')) || (this.#options.insecureHosts ?? []).includes(host);
  }

  close(): void {
    this.#agents.close();
  }

  /** Any status is an answer; only a connection that fails for good throws. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    this.#checkAllowed(request);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attemptAloud(request);
      const retryAfter =
        outcome instanceof Fault
          ? undefined
          : parseRetryAfter(outcome.headers['retry-after'], this.#timing.now());
      const isWorthIt = outcome instanceof Fault ? isTransient(outcome) : isRetryable(outcome.status);
      const delay =
        isWorthIt && request.retry !== false
          ? delayBefore(attempt, retryAfter, this.#timing.random)
          : undefined;
      if (delay === undefined) {
        if (outcome instanceof Fault) throw outcome;
        return outcome;
      }
      if (!(outcome instanceof Fault)) outcome.discard();
      if (delay >= worthTelling) this.#options.onDelay?.(describeDelay(request.url, outcome, delay, attempt));
      await this.#timing.sleep(delay, request.signal);
    }
  }

  async #attemptAloud(request: HttpRequest): Promise<HttpResponse | Fault> {
    const { onDelay } = this.#options;
    // While a body is on its way no answer is due.
    if (onDelay === undefined || (request.body !== undefined && !(request.body instanceof Uint8Array)))
      return await this.#attempt(request);
    const timer = setInterval(
      () => onDelay(`still waiting for ${request.url.host}`),
      this.#options.silence ?? silence,
    );
    try {
      return await this.#attempt(request);
    } finally {
      clearInterval(timer);
    }
  }

  async #attempt(request: HttpRequest): Promise<HttpResponse | Fault> {
    let url = request.url;
    let headers: Headers = { 'user-agent': this.#options.userAgent ?? 'cascadeguard', ...request.headers };
    for (let hops = 0; ; hops++) {
      const response = await this.#hop(request, url, headers);
      if (response instanceof Fault) return response;
      if (!isRedirect(response.status)) return await this.#takeWhole(response, request);
      response.discard();
      if (hops === maxRedirects) {
        throw new Fault('REDIRECT_REFUSED', {
          what: `${request.url.host} redirects in circles`,
          where: redactUrl(request.url),
          expected: `at most ${maxRedirects} redirects`,
          actual: redactUrl(url),
        });
      }
      const next = nextHop(url, response.headers.location, host => this.mayUseHttp(host));
      if (request.isSecretBody === true && next.origin !== url.origin) {
        throw new Fault('REDIRECT_REFUSED', {
          what: `${url.host} would have credentials sent to another place`,
          where: redactUrl(url),
          actual: redactUrl(next),
        });
      }
      headers = headersFor(next, url, headers);
      url = next;
    }
  }

  async #takeWhole(response: HttpResponse, { whole }: HttpRequest): Promise<HttpResponse | Fault> {
    if (whole === undefined || response.status >= 300) return response;
    try {
      const bytes = await readBytes(response, whole);
      return { ...response, body: onePiece(bytes), discard: () => undefined };
    } catch (error) {
      if (error instanceof Fault && isTransient(error)) return error;
      throw error;
    }
  }

  async #hop(request: HttpRequest, url: URL, headers: Headers): Promise<HttpResponse | Fault> {
    const method = request.method ?? 'GET';
    const proxy = proxyFor(url, this.#options.env ?? {});
    const lane = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
    try {
      return await send({
        method,
        url,
        headers,
        ...(request.body !== undefined && { body: request.body }),
        agent: this.#agents.for(url, lane, proxy),
        ...(proxy !== undefined && { proxy }),
        reach: { loopback: this.#reachesLoopback(request, url) },
        idleLimit: this.#options.idleLimit ?? 60_000,
        leastRate: this.#options.leastRate ?? leastRateOf(this.#options.env),
        ...(request.signal !== undefined && { signal: request.signal }),
      });
    } catch (error) {
      if (error instanceof SourceFailure) throw error.cause;
      if (request.signal?.aborted === true) throw error;
      return error instanceof Fault ? error : connectionFault(error, url);
    }
  }

  /** What the user named may be this machine; what a stranger named may not. */
  #reachesLoopback({ from, url: asked }: HttpRequest, url: URL): boolean {
    return isLoopbackName((from ?? asked).hostname) || (this.#options.insecureHosts ?? []).includes(url.host);
  }

  #checkAllowed(request: HttpRequest): void {
    const { url } = request;
    if (request.from !== undefined) checkHop(request.from, url, host => this.mayUseHttp(host));
    if (this.offline) {
      throw new Fault('OFFLINE', {
        what: `${request.what ?? 'something'} is needed from ${url.host}, and nothing may be fetched`,
        where: redactUrl(url),
      });
    }
    if (url.protocol === 'http:' && !this.mayUseHttp(url.host)) {
      throw new Fault('REDIRECT_REFUSED', {
        what: `${url.host} would be spoken to in plain http`,
        where: redactUrl(url),
        next: `if that is meant, add --insecure ${url.host}`,
      });
    }
  }
}

import { type ClientRequestArgs, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, rootCertificates } from 'node:tls';
import { proxyAuthorization } from './proxy.ts';

/** At most this many connections to one host in each direction. */
export const connectionsPerHost = 6;

/** Reading and writing have their own connections, so that a copy never waits for itself. */
export type Lane = 'read' | 'write';

type OnCreate = (error: Error | null, socket: Duplex) => void;

/** An https agent that asks a proxy for a tunnel first (RFC 9110 §9.3.6). */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;

  constructor(proxy: URL, ca: string[] | undefined) {
    super({ ...connectionOptions, ...(ca !== undefined && { ca }) });
    this.#proxy = proxy;
  }

  override createConnection(options: ClientRequestArgs, done?: OnCreate): undefined {
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`;
    const send = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const asked = send({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: this.#proxy.port || (this.#proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      timeout: 30_000,
    });
    // Node reads the socket only when there is no error.
    const fail = (error: Error): void => done?.(error, undefined as never);
    asked.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        fail(new Error(`the proxy ${this.#proxy.host} answered ${response.statusCode} to CONNECT`));
        return;
      }
      // The host stays: against it the certificate is checked when it is an address and so has no server name.
      done?.(null, connect({ ...(options as object), socket } as object));
    });
    asked.once('timeout', () => asked.destroy(new Error(`the proxy ${this.#proxy.host} does not answer`)));
    asked.once('error', error => fail(error));
    asked.end();
    return undefined;
  }
}

const connectionOptions = {
  keepAlive: true,
  maxSockets: connectionsPerHost,
  maxFreeSockets: connectionsPerHost,
  // The default of 16 KiB would pause and resume the connection for every piece of a large body.
  highWaterMark: 1024 * 1024,
};

/** Keeps one agent per kind of connection; close() lets the process end at once. */
export class Agents {
  readonly #agents = new Map<string, HttpAgent>();
  readonly #ca: string[] | undefined;

  constructor(ca: readonly string[] = []) {
    this.#ca = ca.length === 0 ? undefined : [...rootCertificates, ...ca];
  }

  for(url: URL, lane: Lane, proxy: URL | undefined): HttpAgent {
    const key = `${lane} ${url.protocol} ${proxy?.href ?? ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#create(url, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #create(url: URL, proxy: URL | undefined): HttpAgent {
    if (url.protocol === 'http:') return new HttpAgent(connectionOptions);
    if (proxy !== undefined) return new TunnelAgent(proxy, this.#ca);
    return new HttpsAgent({ ...connectionOptions, ...(this.#ca !== undefined && { ca: this.#ca }) });
  }
}

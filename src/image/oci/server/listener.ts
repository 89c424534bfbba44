import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../../../ground/fault/fault.ts';
import { systemCode } from '../../../ground/store/write-fault.ts';
import { answer, describeRequest } from './dispatch.ts';
import { Exchange } from './http/exchange.ts';
import { oneAtATime } from './http/one-at-a-time.ts';
import type { Refusal } from './http/refusal.ts';
import type { RegistryOptions } from './options.ts';
import type { Service } from './service.ts';
import { createTlsServer } from './tls-server.ts';

export interface Listener {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  close(timeout: number): Promise<void>;
}

/** Listens, and answers every request until it is closed. */
export async function createListener(service: Service, o: RegistryOptions): Promise<Listener> {
  const { limits } = service;
  const settings = {
    headersTimeout: limits.headerTimeout,
    // A large layer on a slow line may take hours; the idle time is what ends a dead one.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeout,
    connectionsCheckingInterval: Math.min(5_000, limits.headerTimeout),
    maxHeaderSize: 16 * 1024,
  };
  const handler = oneAtATime((request, response) => {
    respond(service, o, new Exchange(request, response)).catch((error: unknown) => o.onProblem?.(error));
  });
  const server = o.tls
    ? await createTlsServer(settings, o.tls, handler, o.onProblem)
    : createServer(settings, handler);
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idleTimeout);
  const host = o.host ?? '127.0.0.1';
  const { port } = await listen(server, host, o.port ?? 0);
  return {
    url: `${o.tls ? 'https' : 'http'}://${urlHost(host)}:${port}`,
    host,
    port,
    close: timeout => closeServer(server, timeout),
  };
}

/** A host as it stands in a URL. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function respond(service: Service, o: RegistryOptions, exchange: Exchange): Promise<void> {
  const started = performance.now();
  const time = service.clock.now();
  service.counts.requests++;
  service.counts.running++;
  const outcome = await answer(service, exchange);
  service.counts.running--;
  if (outcome.bug !== undefined) o.onProblem?.(outcome.bug);
  if (outcome.refusal?.status === 507) reportFull(service, o, outcome.refusal);
  const { response } = exchange;
  const log = (): void => {
    o.accessLog?.(describeRequest(exchange, outcome, time, performance.now() - started));
  };
  if (o.accessLog === undefined) return;
  if (response.writableFinished || response.destroyed) log();
  else response.once('close', log);
}

/** Every push fails then, so once a minute says it all. */
const fullReportInterval = 60_000;

function reportFull(service: Service, o: RegistryOptions, { message }: Refusal): void {
  const now = service.clock.now().getTime();
  if (now - service.counts.reportedFullAt < fullReportInterval) return;
  service.counts.reportedFullAt = now;
  o.onProblem?.(new Fault('REGISTRY_FULL', { what: message, where: service.store.layout.root }));
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    throw new Fault('REGISTRY_ADDRESS_REFUSED', {
      what: `the registry cannot listen on ${host}:${port}`,
      where: `${host}:${port}`,
      actual: listenProblems[systemCode(error) ?? ''] ?? systemCode(error) ?? 'unknown',
      cause: error,
    });
  });
  return server.address() as AddressInfo;
}

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'the port needs more rights',
  ENOTFOUND: 'there is no such host',
};

async function closeServer(server: Server, timeout: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that is idle only after its running request ends is closed then, not at its keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), timeout);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

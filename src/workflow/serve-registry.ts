import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { dataFolder } from '../ground/store/user-folders.ts';
import { formatAccessEvent } from '../image/oci/server/access/access-log.ts';
import type { RegistryOptions } from '../image/oci/server/options.ts';
import { type RunningRegistry, startRegistry } from '../image/oci/server/start-registry.ts';
import type { Collected } from '../image/oci/server/storage/garbage.ts';
import { isLoopbackHost } from '../model/image-reference.ts';

export interface ServeRegistryRequest extends Omit<RegistryOptions, 'data' | 'host' | 'port' | 'accessLog'> {
  readonly data?: string;
  /** `HOST:PORT`, `:PORT`, `PORT` or `[IPv6]:PORT`; 127.0.0.1:5000 when it is not given. */
  readonly addr?: string;
  /** Serve other machines without passwords all the same. */
  readonly allowAnonymousNetwork?: boolean;
  /** Gets `{"url","pid","data"}` once the registry serves; removed when it stops. */
  readonly readyFile?: string;
  /** Gets one line of JSON per request. */
  readonly accessLine?: (line: string) => void;
  /** Ends the registry, gracefully. */
  readonly signal: AbortSignal;
  /** A collection that the signal SIGUSR2 asked for is done. */
  readonly onCollected?: (collected: Collected) => void;
  readonly onReady?: (registry: RunningRegistry) => void | Promise<void>;
}

/** Opens the data folder, serves it until the signal, and leaves it tidy. */
export async function serveRegistry(request: ServeRegistryRequest): Promise<void> {
  const { readyFile, signal, accessLine } = request;
  signal.throwIfAborted();
  const { host, port } = parseAddress(request.addr ?? '127.0.0.1:5000');
  refuseOpenNetwork(host, request);
  const data = request.data ?? defaultRegistryFolder();
  const registry = await startRegistry({
    ...request,
    data,
    host,
    port,
    ...(accessLine && { accessLog: event => accessLine(formatAccessEvent(event)) }),
  });
  const collect = (): void => void registry.collectGarbage().then(request.onCollected, request.onProblem);
  process.on('SIGUSR2', collect);
  try {
    // Whoever waits for the file may use what onReady prepares.
    await request.onReady?.(registry);
    if (readyFile !== undefined) {
      await writeFileAtomically(readyFile, JSON.stringify({ url: registry.url, pid: process.pid, data }));
    }
    await untilAborted(signal);
  } finally {
    process.off('SIGUSR2', collect);
    if (readyFile !== undefined) await rm(readyFile, { force: true });
    await registry.close();
  }
}

/** Where the registry keeps its data when nobody says otherwise. */
export function defaultRegistryFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(dataFolder(env), 'registry');
}

export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]*):)?(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.port);
  if (!match || port > 65_535) {
    throw new Fault('REGISTRY_ADDRESS_INVALID', {
      what: `"${text.slice(0, 100)}" is not an address to listen on`,
      expected: 'HOST:PORT, with a port from 0 to 65535',
    });
  }
  const host = match.groups?.host?.replace(/^\[|\]$/g, '') ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

function refuseOpenNetwork(host: string, request: ServeRegistryRequest): void {
  const isLocal = isLoopbackHost(host.includes(':') ? `[${host}]` : host);
  if (isLocal || request.htpasswd !== undefined || request.allowAnonymousNetwork === true) return;
  throw new Fault('REGISTRY_OPEN_NETWORK', {
    what: `on ${host}, every machine that reaches this one could replace your images: no passwords are set`,
    where: host,
    expected: 'a loopback address, or a password file',
    actual: `${host} without --htpasswd`,
    next: 'htpasswd -Bc registry.htpasswd USER && cg registry serve --htpasswd registry.htpasswd …, or add --allow-anonymous-network',
  });
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

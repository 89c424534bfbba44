import { once } from 'node:events';
import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { checkLiteral, guardedLookup, type Reach } from './address.ts';
import { connectionFault } from './connection-fault.ts';
import { proxyAuthorization } from './proxy.ts';
import type { Headers } from './redirect.ts';
import { Watchdog } from './watchdog.ts';

/** A body that can be sent again from its start when an attempt fails. */
export interface StreamBody {
  readonly length?: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

export type RequestBody = Uint8Array | StreamBody;

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Must be read or discarded. Breaking out of it closes the connection. */
  readonly body: AsyncIterable<Buffer>;
  /** Drops what is left of the body. */
  discard(): void;
}

export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body?: RequestBody;
  readonly agent: Agent;
  readonly proxy?: URL;
  readonly reach: Reach;
  readonly idleLimit: number;
  readonly leastRate: number;
  readonly signal?: AbortSignal;
}

/** The body to send could not be read to its end; the cause is the reader's own error. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super('the source of a request body failed', { cause });
  }
}

/** Committing a large upload takes a registry a while after the last byte. */
const commitFactor = 5;

/** One request and its answer: no redirect, no retry. Rejects with whatever the connection did. */
export async function send(hop: Hop): Promise<HttpResponse> {
  hop.signal?.throwIfAborted();
  checkLiteral(hop.url, hop.reach);
  const request = open(hop);
  const watchdog = new Watchdog(hop.idleLimit, hop.leastRate, error => request.destroy(error));
  // A connection can still fail when nobody waits for the answer any more.
  request.on('error', () => undefined);
  const answered = once(request, 'response');
  // Whichever side fails first decides; the other promise must not be left unhandled.
  answered.catch(() => undefined);
  try {
    watchdog.wait();
    await writeBody(request, hop.body, watchdog, answered);
    watchdog.wait(hop.body === undefined ? 1 : commitFactor);
    const [response] = (await answered) as [IncomingMessage];
    watchdog.rest();
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      url: hop.url,
      body: readBody(response, watchdog, request, hop),
      discard: () => {
        watchdog.end();
        discard(response, request, hop.method);
      },
    };
  } catch (error) {
    watchdog.end();
    request.destroy();
    hop.signal?.throwIfAborted();
    throw watchdog.stalled ?? error;
  }
}

function open(hop: Hop): ClientRequest {
  const { url, proxy } = hop;
  const throughPlainProxy = proxy !== undefined && url.protocol === 'http:';
  const target = throughPlainProxy ? proxy : url;
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return start({
    method: hop.method,
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port || (target.protocol === 'https:' ? 443 : 80),
    path: throughPlainProxy ? url.href : `${url.pathname}${url.search}`,
    headers: {
      ...hop.headers,
      host: url.host,
      ...lengthHeader(hop.body),
      ...(throughPlainProxy && proxyAuthorization(proxy)),
    },
    agent: hop.agent,
    ...(proxy === undefined && { lookup: guardedLookup(hop.reach) }),
    ...(hop.signal !== undefined && { signal: hop.signal }),
  });
}

function lengthHeader(body: RequestBody | undefined): Record<string, string | number> {
  const length = body instanceof Uint8Array ? body.length : body?.length;
  return length === undefined ? {} : { 'content-length': length };
}

async function writeBody(
  request: ClientRequest,
  body: RequestBody | undefined,
  watchdog: Watchdog,
  answered: Promise<unknown>,
): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  let isAnswered = false;
  void answered.then(() => (isAnswered = true)).catch(() => (isAnswered = true));
  watchdog.rest();
  for await (const chunk of readSource(body)) {
    // A server that answers before the end (401, 413) does not want the rest.
    if (isAnswered || request.destroyed) break;
    if (request.write(chunk)) continue;
    watchdog.wait();
    await drain(request);
    watchdog.rest();
  }
  if (!isAnswered) request.end();
}

/** Tells what our own source did from what the connection did. */
async function* readSource(body: StreamBody): AsyncGenerator<Uint8Array> {
  try {
    yield* body.open();
  } catch (error) {
    throw new SourceFailure(error);
  }
}

/** Until there is room again, or nobody listens any more. */
function drain(request: ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const events = ['drain', 'close', 'response'] as const;
    const done = (): void => {
      for (const event of events) request.off(event, done);
      resolve();
    };
    for (const event of events) request.on(event, done);
  });
}

async function* readBody(
  response: IncomingMessage,
  watchdog: Watchdog,
  request: ClientRequest,
  hop: Hop,
): AsyncGenerator<Buffer> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  // The watchdog may bark at an answer whose end is here already; then nobody else listens.
  response.on('error', () => undefined);
  try {
    for (;;) {
      watchdog.wait();
      const next = await chunks.next();
      watchdog.rest(next.done === true ? undefined : next.value.length);
      if (watchdog.stalled !== undefined) throw watchdog.stalled;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    hop.signal?.throwIfAborted();
    throw connectionFault(watchdog.stalled ?? request.errored ?? error, hop.url, 'within');
  } finally {
    watchdog.end();
    if (!response.complete || !request.writableFinished) request.destroy();
  }
}

/** A short rest is read so that the connection can be used again; a long one is cut. */
function discard(response: IncomingMessage, request: ClientRequest, method: string): void {
  const length = Number(response.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  const hasNone = response.statusCode === 204 || response.statusCode === 304 || method === 'HEAD';
  response.on('error', () => undefined);
  if (request.writableFinished && (hasNone || length <= 65_536)) {
    response.setTimeout(5_000, () => response.destroy());
    response.resume();
  } else {
    request.destroy();
  }
}

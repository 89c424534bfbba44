import { Fault } from '../../../ground/fault/fault.ts';
import { isDiskFull, writeRefusal } from '../../../ground/store/write-fault.ts';
import type { AccessEvent } from './access/access-log.ts';
import { checkOrigin } from './access/origin.ts';
import { deleteBlob, readBlob } from './endpoints/blobs.ts';
import { showHealth } from './endpoints/health.ts';
import { listCatalog, listReferrers, listTags } from './endpoints/lists.ts';
import { deleteManifest, readManifest, writeManifest } from './endpoints/manifests.ts';
import { appendUpload, cancelUpload, finishUpload, showUpload, startUpload } from './endpoints/uploads.ts';
import type { Exchange } from './http/exchange.ts';
import { Refusal } from './http/refusal.ts';
import { parseRoute, type Route } from './http/route.ts';
import type { Service } from './service.ts';

/** What happened to a request, for the log. */
export interface Outcome {
  readonly route?: Route;
  readonly refusal?: Refusal;
  /** An error that is neither the client's nor the disk's. */
  readonly bug?: unknown;
}

/** Answers one request; never rejects. */
export async function answer(service: Service, exchange: Exchange): Promise<Outcome> {
  let route: Route | undefined;
  try {
    if (exchange.path !== '/healthz') await admit(service, exchange);
    route = parseRoute(exchange.method, exchange.path);
    await handle(service, exchange, route);
    return { route };
  } catch (error) {
    if (exchange.request.destroyed && !exchange.request.complete) return { ...(route && { route }) };
    const refusal = toRefusal(error);
    exchange.refuse(refusal);
    return { ...(route && { route }), refusal, ...(refusal.status === 500 && { bug: error }) };
  }
}

async function admit(service: Service, exchange: Exchange): Promise<void> {
  exchange.response.setHeader('docker-distribution-api-version', 'registry/2.0');
  exchange.response.setHeader('x-content-type-options', 'nosniff');
  checkOrigin(
    {
      host: exchange.header('host'),
      origin: exchange.header('origin'),
      site: exchange.header('sec-fetch-site'),
    },
    service.origins,
  );
  if (service.credentials !== undefined) {
    exchange.user = await service.credentials.authenticate(
      exchange.header('authorization'),
      exchange.request.socket.remoteAddress,
    );
  }
}

async function handle(service: Service, exchange: Exchange, route: Route): Promise<void> {
  const method = exchange.isHead ? 'GET' : exchange.method;
  const allowed = methodsOf(route);
  if (!allowed.includes(method)) {
    const allow = allowed.flatMap(name => (name === 'GET' ? ['GET', 'HEAD'] : [name])).join(', ');
    throw new Refusal(405, 'UNSUPPORTED', 'the endpoint does not do this', { headers: { allow } });
  }
  if (service.readOnly && method !== 'GET') {
    throw new Refusal(405, 'UNSUPPORTED', 'this registry is read-only', { headers: { allow: 'GET, HEAD' } });
  }
  switch (route.kind) {
    case 'health':
      return showHealth(service, exchange);
    case 'base':
      return exchange.json(200, {});
    case 'catalog':
      return listCatalog(service, exchange);
    case 'tags':
      return listTags(service, exchange, route.repository);
    case 'referrers':
      return listReferrers(service, exchange, route.repository, route.digest);
    case 'blob':
      if (method === 'DELETE') return deleteBlob(service, exchange, route.repository, route.digest);
      // Held, so that collection does not take the bytes away between the look and the last read.
      return service.store.pins.hold([route.digest], () =>
        readBlob(service, exchange, route.repository, route.digest),
      );
    case 'uploads':
      return startUpload(service, exchange, route.repository);
    case 'upload':
      return uploadHandlers[method as UploadMethod](service, exchange, route.repository, route.upload);
    case 'manifest':
      return manifestHandlers[method as ManifestMethod](service, exchange, route.repository, route.reference);
  }
}

const uploadHandlers = { GET: showUpload, PATCH: appendUpload, PUT: finishUpload, DELETE: cancelUpload };
const manifestHandlers = { GET: readManifest, PUT: writeManifest, DELETE: deleteManifest };
type UploadMethod = keyof typeof uploadHandlers;
type ManifestMethod = keyof typeof manifestHandlers;

function methodsOf(route: Route): readonly string[] {
  if (route.kind === 'blob') return ['GET', 'DELETE'];
  if (route.kind === 'uploads') return ['POST'];
  if (route.kind === 'upload') return Object.keys(uploadHandlers);
  if (route.kind === 'manifest') return Object.keys(manifestHandlers);
  return ['GET'];
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const cause = error instanceof Fault ? error.cause : error;
  if (isDiskFull(cause)) {
    return new Refusal(507, 'DENIED', `the registry cannot store this: ${writeRefusal(cause)}`, { cause });
  }
  // The reason is for the operator's log; a stranger learns only that it is not his fault.
  return new Refusal(500, 'UNKNOWN', 'the registry failed; its log says why', { cause });
}

export function describeRequest(exchange: Exchange, outcome: Outcome, time: Date, took: number): AccessEvent {
  const { request, response, user } = exchange;
  const { route, refusal } = outcome;
  const reference =
    route?.kind === 'manifest'
      ? 'tag' in route.reference
        ? route.reference.tag
        : route.reference.digest
      : route && 'digest' in route
        ? route.digest
        : undefined;
  return {
    time: time.toISOString(),
    remote: request.socket.remoteAddress ?? 'unknown',
    ...(user !== undefined && { user }),
    method: exchange.method,
    endpoint: route?.kind ?? 'other',
    ...(route && 'repository' in route && { repository: route.repository }),
    ...(reference !== undefined && { reference }),
    status: response.statusCode,
    ...(refusal && { code: refusal.code }),
    received: exchange.received,
    sent: exchange.sent,
    milliseconds: Math.round(took * 10) / 10,
    ...(!response.writableFinished && { cut: true as const }),
  };
}

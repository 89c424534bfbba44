import { createHash } from 'node:crypto';
import { algorithmOf, type Digest } from '../../../../model/digest.ts';
import { isRepositoryName } from '../../../../model/image-reference.ts';
import { parseContentRange } from '../http/byte-range.ts';
import type { Exchange } from '../http/exchange.ts';
import { Refusal } from '../http/refusal.ts';
import { parseDigest } from '../http/route.ts';
import type { Service } from '../service.ts';
import { storeSmallContent } from '../storage/small-content.ts';
import { Interruption, type Upload } from '../storage/upload.ts';

/** A hint for clients: smaller chunks work, but cost more requests than bytes. */
const chunkHint = 1_024;
/** A blob of this size that comes at once needs no file to grow in. */
const smallBlob = 64 * 1024;

/** POST: mount a blob, take one in a single step, or open an upload. */
export async function startUpload(service: Service, exchange: Exchange, repository: string): Promise<void> {
  const mount = exchange.query.get('mount');
  if (mount !== null && (await mountBlob(service, exchange, repository, parseDigest(mount)))) return;
  const asked = exchange.query.get('digest');
  const digest = asked === null || mount !== null ? undefined : parseDigest(asked);
  if (digest !== undefined) service.store.quota.foresee(exchange.length ?? 0);
  if (digest !== undefined && (exchange.length ?? Number.POSITIVE_INFINITY) <= smallBlob) {
    await storeSmallBlob(service, exchange, repository, digest);
    return;
  }
  const upload = await service.store.uploads.start(repository);
  if (digest === undefined) {
    answerProgress(exchange, upload, 202);
    return;
  }
  await service.store.uploads.use(upload, interruptOf(exchange), async () => {
    try {
      await completeUpload(service, exchange, upload, digest);
    } catch (error) {
      // The client never learned the name of this upload, so it could neither go on nor cancel it.
      await service.store.uploads.cancel(upload);
      throw error;
    }
  });
}

/** GET: how far it is. */
export function showUpload(service: Service, exchange: Exchange, repository: string, id: string): void {
  answerProgress(exchange, service.store.uploads.find(repository, id), 204);
}

/** PATCH: the next chunk, or a stream of unknown length. */
export async function appendUpload(
  service: Service,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const { uploads } = service.store;
  const upload = uploads.find(repository, id);
  await uploads.use(upload, interruptOf(exchange), async () => {
    checkChunk(exchange, upload);
    await receive(service, exchange, upload, 'sha256');
  });
  answerProgress(exchange, upload, 202);
}

/** PUT: the last bytes, if any, and the digest of everything. */
export async function finishUpload(
  service: Service,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const { uploads } = service.store;
  const upload = uploads.find(repository, id);
  const asked = exchange.query.get('digest');
  if (asked === null) throw new Refusal(400, 'DIGEST_INVALID', 'the parameter "digest" is missing');
  const digest = parseDigest(asked);
  await uploads.use(upload, interruptOf(exchange), async () => {
    checkChunk(exchange, upload);
    await completeUpload(service, exchange, upload, digest);
  });
}

export async function cancelUpload(
  service: Service,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const { uploads } = service.store;
  const upload = uploads.find(repository, id);
  await uploads.use(upload, interruptOf(exchange), () => uploads.cancel(upload));
  exchange.empty(204);
}

function interruptOf(exchange: Exchange): () => void {
  return () => void exchange.request.destroy(new Interruption('a newer request took over'));
}

async function completeUpload(
  service: Service,
  exchange: Exchange,
  upload: Upload,
  digest: Digest,
): Promise<void> {
  const { store } = service;
  await store.pins.hold([digest], async () => {
    if (exchange.hasBody) await receive(service, exchange, upload, algorithmOf(digest));
    const actual = await upload.digest(algorithmOf(digest));
    if (actual !== digest) {
      await store.uploads.cancel(upload);
      throw otherDigest(digest, actual, upload.size);
    }
    await upload.seal();
    const isNew = await store.content.adopt(upload.path, digest);
    store.uploads.forget(upload);
    if (!isNew) store.quota.release(upload.size);
    await store.blobs.add(upload.repository, digest, upload.size);
  });
  answerCreated(exchange, upload.repository, digest);
}

async function storeSmallBlob(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const { store, limits } = service;
  await store.pins.hold([digest], async () => {
    const chunks: Buffer[] = [];
    const limit = Math.min(limits.blobBytes, smallBlob);
    for await (const chunk of exchange.body(limit, () => tooLarge(limits.blobBytes))) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const algorithm = algorithmOf(digest);
    const actual: Digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (actual !== digest) throw otherDigest(digest, actual, bytes.length);
    await storeSmallContent(store, digest, bytes);
    await store.blobs.add(repository, digest, bytes.length);
  });
  answerCreated(exchange, repository, digest);
}

function otherDigest(expected: Digest, actual: Digest, size: number): Refusal {
  return new Refusal(400, 'DIGEST_INVALID', 'the bytes received do not have this digest', {
    detail: { expected, actual, size },
  });
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'SIZE_INVALID', `a blob may have ${limit} bytes at most`, { detail: { limit } });
}

async function receive(
  service: Service,
  exchange: Exchange,
  upload: Upload,
  algorithm: 'sha256' | 'sha512',
): Promise<void> {
  const { blobBytes } = service.limits;
  service.store.quota.foresee(exchange.length ?? 0);
  const body = exchange.body(blobBytes - upload.size, () => tooLarge(blobBytes));
  await service.store.uploads.append(upload, body, algorithm);
}

async function mountBlob(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<boolean> {
  const { blobs, content, pins } = service.store;
  const from = exchange.query.get('from');
  if (from !== null && !isRepositoryName(from)) {
    throw new Refusal(400, 'NAME_INVALID', 'the name in "from" is not legal');
  }
  return pins.hold([digest], async () => {
    const size =
      from === null
        ? ((await blobs.size(repository, digest)) ?? content.size(digest))
        : await blobs.size(from, digest);
    if (size === undefined) return false;
    await blobs.add(repository, digest, size);
    answerCreated(exchange, repository, digest);
    return true;
  });
}

/** A chunk must start where the last one ended and be as long as it says. */
function checkChunk(exchange: Exchange, upload: Upload): void {
  const header = exchange.header('content-range');
  if (header === undefined) return;
  const range = parseContentRange(header);
  if (range === undefined || range.first !== upload.size) {
    throw new Refusal(416, 'BLOB_UPLOAD_INVALID', `the next chunk starts at byte ${upload.size}`, {
      headers: progressOf(upload),
    });
  }
  const length = range.last - range.first + 1;
  if (exchange.length !== undefined && exchange.length !== length) {
    throw new Refusal(400, 'SIZE_INVALID', 'Content-Range and Content-Length differ', {
      detail: { contentRange: length, contentLength: exchange.length },
    });
  }
}

function answerProgress(exchange: Exchange, upload: Upload, status: 202 | 204): void {
  exchange.empty(status, { ...progressOf(upload), 'oci-chunk-min-length': chunkHint });
}

function progressOf(upload: Upload): Record<string, string> {
  return {
    location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    // Clients expect "0-0" for nothing yet, though it reads like one byte.
    range: `0-${Math.max(0, upload.size - 1)}`,
    'docker-upload-uuid': upload.id,
  };
}

function answerCreated(exchange: Exchange, repository: string, digest: Digest): void {
  exchange.empty(201, {
    location: `/v2/${repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  });
}

import { createHash } from 'node:crypto';
import { prepareAll } from '../../../../ground/store/atomic-file.ts';
import { algorithmOf, type Digest } from '../../../../model/digest.ts';
import { isTag } from '../../../../model/image-reference.ts';
import type { Exchange } from '../http/exchange.ts';
import { Refusal } from '../http/refusal.ts';
import { parseDigest, type Reference } from '../http/route.ts';
import type { Service } from '../service.ts';
import { type ManifestDocument, readManifestDocument } from '../storage/manifest-document.ts';
import type { StoredManifest } from '../storage/manifest-store.ts';
import { repositoryExists } from '../storage/repository-names.ts';
import { matchesEtag } from './blobs.ts';

const mostTags = 100;

/** GET and HEAD by tag or digest. */
export async function readManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: Reference,
): Promise<void> {
  const manifest = await find(service, repository, reference);
  if (manifest === undefined) throw await unknownManifest(service, repository, reference);
  const headers = {
    etag: `"${manifest.digest}"`,
    'docker-content-digest': manifest.digest,
    'content-type': manifest.mediaType,
  };
  if (matchesEtag(exchange.header('if-none-match'), manifest.digest)) exchange.empty(304, headers);
  else {
    if (!exchange.isHead) service.answers.take(manifest.bytes.length, exchange.response);
    exchange.bytes(200, manifest.bytes, headers);
  }
}

/**
 * PUT: the bytes are checked and brought to the device first; then, under the lock of the repository, the
 * condition and the presence of everything that is named are checked and the names are given.
 */
export async function writeManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: Reference,
): Promise<void> {
  const share = new MemoryShare(service);
  try {
    await storeManifest(service, exchange, repository, reference, await readBytes(service, exchange, share));
  } finally {
    share.release();
  }
}

/** What one manifest takes of the memory for those on their way: as much as has arrived, not what it announces. */
class MemoryShare {
  readonly #service: Service;
  #bytes = 0;

  constructor(service: Service) {
    this.#service = service;
  }

  take(bytes: number): void {
    const { counts, limits } = this.#service;
    if (counts.manifestBytes + bytes > limits.manifestBytesAtOnce) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many manifests are being pushed at once', {
        headers: { 'retry-after': '1' },
      });
    }
    counts.manifestBytes += bytes;
    this.#bytes += bytes;
  }

  release(): void {
    this.#service.counts.manifestBytes -= this.#bytes;
  }
}

async function storeManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: Reference,
  bytes: Buffer,
): Promise<void> {
  const { store } = service;
  const document = readManifestDocument(bytes, exchange.header('content-type'));
  const digest = digestFor(exchange, reference, bytes);
  const tags = tagsFor(exchange, reference);
  await store.pins.hold([digest, ...document.blobs, ...document.children], async () => {
    await checkPresence(service, repository, document);
    const prepared = await prepareAll([
      store.manifests.prepare(repository, digest, bytes, document),
      ...tags.map(tag => store.tags.prepare(repository, tag, digest)),
    ]);
    try {
      await store.lock.run(repository, async () => {
        await checkCondition(service, exchange, repository, reference);
        await checkPresence(service, repository, document);
        for (const part of prepared) await part.commit();
      });
    } catch (error) {
      await Promise.all(prepared.map(part => part.discard()));
      throw error;
    }
    await Promise.all(prepared.map(part => part.sync()));
  });
  exchange.empty(201, {
    location: `/v2/${repository}/manifests/${'tag' in reference ? reference.tag : digest}`,
    etag: `"${digest}"`,
    'docker-content-digest': digest,
    ...(document.subject !== undefined && { 'oci-subject': document.subject }),
    ...(tags.length > 0 && { 'oci-tag': tags.join(', ') }),
  });
}

/** DELETE: a tag goes alone; a manifest takes all tags that point at it along. */
export async function deleteManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: Reference,
): Promise<void> {
  const { store } = service;
  await store.lock.run(repository, async () => {
    await checkCondition(service, exchange, repository, reference);
    if ('tag' in reference) {
      const isGone = await store.tags.remove(repository, reference.tag);
      if (!isGone) throw await unknownManifest(service, repository, reference);
      return;
    }
    if (!store.manifests.has(repository, reference.digest)) {
      throw await unknownManifest(service, repository, reference);
    }
    for (const tag of await store.tags.pointingAt(repository, reference.digest)) {
      await store.tags.remove(repository, tag);
    }
    await store.manifests.remove(repository, reference.digest);
  });
  exchange.empty(202);
}

async function find(
  service: Service,
  repository: string,
  reference: Reference,
): Promise<StoredManifest | undefined> {
  const { tags, manifests } = service.store;
  const digest = 'tag' in reference ? await tags.read(repository, reference.tag) : reference.digest;
  return digest === undefined ? undefined : manifests.read(repository, digest);
}

async function readBytes(service: Service, exchange: Exchange, share: MemoryShare): Promise<Buffer> {
  const { manifestBytes, manifestTime } = service.limits;
  const tooLarge = (): Refusal =>
    new Refusal(413, 'SIZE_INVALID', `a manifest may have ${manifestBytes} bytes at most`, {
      detail: { limit: manifestBytes },
    });
  const timer = setTimeout(() => exchange.request.destroy(), manifestTime);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of exchange.body(manifestBytes, tooLarge)) {
      share.take(chunk.length);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
  }
}

/** By digest the bytes must have it; by tag SHA-256 is ours to choose. */
function digestFor(exchange: Exchange, reference: Reference, bytes: Buffer): Digest {
  const asked = exchange.query.get('digest');
  const expected = 'digest' in reference ? reference.digest : asked === null ? undefined : parseDigest(asked);
  const algorithm = expected === undefined ? 'sha256' : algorithmOf(expected);
  const actual: Digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  if (expected !== undefined && actual !== expected) {
    throw new Refusal(400, 'DIGEST_INVALID', 'the manifest does not have this digest', {
      detail: { expected, actual },
    });
  }
  return actual;
}

function tagsFor(exchange: Exchange, reference: Reference): readonly string[] {
  if ('tag' in reference) return [reference.tag];
  const tags = [...new Set(exchange.query.getAll('tag'))];
  if (tags.length > mostTags) throw new Refusal(414, 'TAG_INVALID', `more than ${mostTags} tags at once`);
  for (const tag of tags) {
    if (!isTag(tag))
      throw new Refusal(400, 'TAG_INVALID', 'a tag is not legal', { detail: tag.slice(0, 200) });
  }
  return tags;
}

async function checkPresence(
  service: Service,
  repository: string,
  document: ManifestDocument,
): Promise<void> {
  const { blobs, manifests } = service.store;
  const missing: Digest[] = [];
  for (const digest of new Set(document.blobs)) {
    if ((await blobs.size(repository, digest)) === undefined) missing.push(digest);
  }
  for (const digest of new Set(document.children)) {
    // Some build caches are an index of blobs.
    const isHere = manifests.has(repository, digest) || (await blobs.size(repository, digest)) !== undefined;
    if (!isHere) missing.push(digest);
  }
  if (missing.length === 0) return;
  throw new Refusal(404, 'MANIFEST_BLOB_UNKNOWN', 'the repository lacks content that the manifest names', {
    detail: missing.slice(0, 20).map(digest => ({ digest })),
  });
}

/** `If-Match` and `If-None-Match` against what is there now. Called under the lock of the repository. */
async function checkCondition(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: Reference,
): Promise<void> {
  const match = exchange.header('if-match');
  const noneMatch = exchange.header('if-none-match');
  if (match === undefined && noneMatch === undefined) return;
  const present = (await find(service, repository, reference))?.digest;
  const isMet =
    (match === undefined || (present !== undefined && matchesEtag(match, present))) &&
    (noneMatch === undefined || present === undefined || !matchesEtag(noneMatch, present));
  if (isMet) return;
  throw new Refusal(412, 'DENIED', 'somebody else has changed this since it was read', {
    detail: { present: present ?? null },
    ...(present !== undefined && { headers: { etag: `"${present}"` } }),
  });
}

async function unknownManifest(service: Service, repository: string, reference: Reference): Promise<Refusal> {
  const isKnown = await repositoryExists(service.store.layout, repository);
  if (!isKnown)
    return new Refusal(404, 'NAME_UNKNOWN', 'there is no such repository', { detail: { repository } });
  return new Refusal(404, 'MANIFEST_UNKNOWN', 'there is no such manifest', { detail: reference });
}

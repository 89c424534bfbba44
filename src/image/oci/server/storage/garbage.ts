import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../../../ground/store/write-fault.ts';
import type { Digest } from '../../../../model/digest.ts';
import { readManifestDocument } from './manifest-document.ts';
import type { RegistryStore } from './registry-store.ts';
import { listRepositories } from './repository-names.ts';

export interface CollectOptions {
  /** Also remove manifests that no tag, index or referrer leads to. */
  readonly untagged?: boolean;
  /** How long what is unreachable stays, in milliseconds. */
  readonly grace: number;
  /** Milliseconds without a byte after which an upload is given up, when it is not the age of the registry. */
  readonly uploadAge?: number;
  readonly signal?: AbortSignal;
}

export interface Collected {
  readonly manifests: number;
  /** Blobs that a repository no longer holds. */
  readonly links: number;
  readonly contents: number;
  readonly bytes: number;
  readonly uploads: number;
}

/**
 * Mark and sweep, while the registry serves.
 *
 * Each repository is marked and swept under the lock that its pushes take, so no manifest arrives in between.
 * Blobs arrive without that lock; they are safe by their age and by the pins (see Pins). A file of content goes
 * only when no repository names it any more.
 */
export async function collectGarbage(store: RegistryStore, o: CollectOptions): Promise<Collected> {
  store.pins.openEra();
  try {
    const cutoff = store.clock.now().getTime() - o.grace;
    const uploads = await store.uploads.expire(o.uploadAge);
    let manifests = 0;
    let links = 0;
    for await (const repository of listRepositories(store.layout)) {
      o.signal?.throwIfAborted();
      const swept = await store.lock.run(repository, () => sweepRepository(store, repository, cutoff, o));
      manifests += swept.manifests;
      links += swept.links;
    }
    return { uploads, manifests, links, ...(await sweepContent(store, cutoff, o.signal)) };
  } finally {
    store.pins.closeEra();
  }
}

async function sweepRepository(
  store: RegistryStore,
  repository: string,
  cutoff: number,
  o: CollectOptions,
): Promise<{ readonly manifests: number; readonly links: number }> {
  const roots = o.untagged === true ? await findRoots(store, repository, cutoff) : undefined;
  const marks = await mark(store, repository, roots ?? (await store.manifests.list(repository)));
  let manifests = 0;
  for (const digest of await store.manifests.list(repository)) {
    if (marks.manifests.has(digest)) continue;
    o.signal?.throwIfAborted();
    await store.manifests.remove(repository, digest);
    manifests++;
  }
  if (manifests > 0) await removeEmptyLists(store, repository);
  let links = 0;
  for (const digest of await store.blobs.list(repository)) {
    if (marks.blobs.has(digest)) continue;
    o.signal?.throwIfAborted();
    const touched = store.blobs.touched(repository, digest);
    if (touched === undefined || touched > cutoff || store.pins.isUsed(digest)) continue;
    store.blobs.removeNow(repository, digest);
    links++;
  }
  return { manifests, links };
}

/** What keeps manifests alive: tags, and being young. */
async function findRoots(
  store: RegistryStore,
  repository: string,
  cutoff: number,
): Promise<readonly Digest[]> {
  const roots: Digest[] = [];
  for (const tag of await store.tags.list(repository)) {
    const digest = await store.tags.read(repository, tag);
    if (digest !== undefined) roots.push(digest);
  }
  for (const digest of await store.manifests.list(repository)) {
    const touched = store.manifests.touched(repository, digest);
    if (touched === undefined || touched > cutoff || store.pins.isUsed(digest)) roots.push(digest);
  }
  return roots;
}

interface Marks {
  readonly manifests: ReadonlySet<Digest>;
  readonly blobs: ReadonlySet<Digest>;
}

/** Everything that the roots lead to: children, blobs, and what refers to what stays. */
async function mark(store: RegistryStore, repository: string, roots: readonly Digest[]): Promise<Marks> {
  const manifests = new Set<Digest>();
  const blobs = new Set<Digest>();
  const queue = [...roots];
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    if (manifests.has(digest)) continue;
    manifests.add(digest);
    queue.push(...(await store.manifests.referrerDigests(repository, digest)));
    const manifest = await store.manifests.read(repository, digest);
    if (manifest === undefined) continue;
    const document = readManifestDocument(manifest.bytes, manifest.mediaType);
    // The child of an index may be a blob; a name of a blob that is a manifest does no harm.
    queue.push(...document.children);
    for (const blob of [...document.blobs, ...document.children]) blobs.add(blob);
  }
  return { manifests, blobs };
}

async function removeEmptyLists(store: RegistryStore, repository: string): Promise<void> {
  const folder = store.layout.folder(repository, '_refs');
  for (const name of await readdir(folder).catch(() => [])) {
    await rmdir(join(folder, name)).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')) throw error;
    });
  }
}

async function sweepContent(
  store: RegistryStore,
  cutoff: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly contents: number; readonly bytes: number }> {
  const named = await findNamed(store);
  let contents = 0;
  let bytes = 0;
  for await (const { digest, size, changed } of store.content.list()) {
    signal?.throwIfAborted();
    if (named.has(digest) || changed > cutoff || store.pins.isUsed(digest)) continue;
    store.content.removeNow(digest);
    store.quota.release(size);
    contents++;
    bytes += size;
  }
  return { contents, bytes };
}

async function findNamed(store: RegistryStore): Promise<ReadonlySet<Digest>> {
  const named = new Set<Digest>();
  for await (const repository of listRepositories(store.layout)) {
    for (const digest of await store.blobs.list(repository)) named.add(digest);
    for (const digest of await store.manifests.list(repository)) named.add(digest);
  }
  return named;
}

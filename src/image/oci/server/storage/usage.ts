import { statfs } from 'node:fs/promises';
import type { RegistryStore } from './registry-store.ts';
import { listRepositories } from './repository-names.ts';

export interface Usage {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  /** Files of content, blobs and manifests together. */
  readonly contents: number;
  readonly openUploads: number;
  /** Bytes of content and open uploads. */
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** Counts everything in the data folder. */
export async function measureUsage(store: RegistryStore): Promise<Usage> {
  let repositories = 0;
  let manifests = 0;
  let tags = 0;
  for await (const repository of listRepositories(store.layout)) {
    repositories++;
    manifests += (await store.manifests.list(repository)).length;
    tags += (await store.tags.list(repository)).length;
  }
  let contents = 0;
  for await (const _ of store.content.list()) contents++;
  const { bavail, bsize } = await statfs(store.layout.root);
  return {
    repositories,
    manifests,
    tags,
    contents,
    openUploads: store.uploads.count,
    usedBytes: store.quota.used,
    freeBytes: bavail * bsize,
  };
}

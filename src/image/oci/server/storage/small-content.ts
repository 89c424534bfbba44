import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { prepareFile } from '../../../../ground/store/atomic-file.ts';
import type { ContentStore } from '../../../../ground/store/content-store.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import type { Digest } from '../../../../model/digest.ts';
import type { Layout } from './layout.ts';
import type { Quota } from './quota.ts';

/** Stores content that is in memory as a whole; the caller has checked its digest, and holds it. */
export async function storeSmallContent(
  {
    layout,
    content,
    quota,
  }: { readonly layout: Layout; readonly content: ContentStore; readonly quota: Quota },
  digest: Digest,
  bytes: Buffer,
): Promise<void> {
  const path = content.path(digest);
  // Compared, not only found: pushing again is how a damaged file is repaired.
  const isThere = content.size(digest) === bytes.length;
  if (isThere && (await readFileIfThere(path))?.equals(bytes) === true) return;
  quota.reserve(bytes.length);
  let isNew = false;
  try {
    await makeFolder(dirname(path));
    const file = await prepareFile(layout.temporary, basename(path), bytes, { durable: true });
    isNew = content.size(digest) === undefined;
    await file.commit(path);
  } finally {
    if (!isNew) quota.release(bytes.length);
  }
}

async function readFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../../../ground/store/content-store.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import { isRepositoryName } from '../../../../model/image-reference.ts';
import type { Layout } from './layout.ts';

/** Every repository that was ever written to, in the order of its folders. */
export async function* listRepositories(layout: Layout, below = ''): AsyncGenerator<string> {
  const names = await folderNames(join(layout.repositories, below));
  if (below !== '' && names.some(name => name.startsWith('_'))) yield below;
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    if (isRepositoryName(path)) yield* listRepositories(layout, path);
  }
}

/** Whether anybody has stored a blob or a manifest in the repository. */
export async function repositoryExists(layout: Layout, repository: string): Promise<boolean> {
  const names = await namesIn(join(layout.repositories, repository));
  return names.includes('_manifests') || names.includes('_blobs');
}

async function folderNames(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

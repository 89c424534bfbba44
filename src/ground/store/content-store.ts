import { renameSync, statSync, unlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { algorithmOf, type Digest, hexOf, isDigest } from '../../model/digest.ts';
import { makeFolder } from './make-folder.ts';
import { isMissing, toWriteFault } from './write-fault.ts';

export interface StoredContent {
  readonly digest: Digest;
  readonly size: number;
  readonly changed: number;
}

/** Files named by their digest: `<alg>/<first two places>/<hex>`. A file is there as a whole or not at all. */
export class ContentStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#root, algorithmOf(digest), hex.slice(0, 2), hex);
  }

  size(digest: Digest): number | undefined {
    return sizeOf(this.path(digest));
  }

  /**
   * Takes over a file whose digest the caller has checked. The same content may be adopted twice at once: each
   * rename puts the same bytes under the same name. Says whether the content is new.
   */
  async adopt(file: string, digest: Digest): Promise<boolean> {
    const path = this.path(digest);
    await makeFolder(dirname(path));
    const isNew = this.size(digest) === undefined;
    try {
      renameSync(file, path);
    } catch (error) {
      throw toWriteFault(error, path);
    }
    return isNew;
  }

  /** Synchronous, so that nothing can happen between the caller's last look and the removal. */
  removeNow(digest: Digest): void {
    try {
      unlinkSync(this.path(digest));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async *list(): AsyncGenerator<StoredContent> {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      for (const shard of await namesIn(join(this.#root, algorithm))) {
        for (const hex of await namesIn(join(this.#root, algorithm, shard))) {
          const digest = `${algorithm}:${hex}` as const;
          if (!isDigest(digest)) continue;
          const found = await stat(this.path(digest)).catch(() => undefined);
          if (found) yield { digest, size: found.size, changed: found.mtimeMs };
        }
      }
    }
  }
}

/** The size of a file; undefined when it is not there. Asked at once: see `writeNewFile`. */
export function sizeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The names in a folder, sorted; none when the folder is not there. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

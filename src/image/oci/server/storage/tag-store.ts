import { readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { prepareFile } from '../../../../ground/store/atomic-file.ts';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { namesIn, sizeOf } from '../../../../ground/store/content-store.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { syncFolder } from '../../../../ground/store/sync-folder.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import { type Digest, isDigest } from '../../../../model/digest.ts';
import { type Layout, tagFileName, tagOfFile } from './layout.ts';
import type { PreparedManifest } from './manifest-store.ts';
import { nameCost, type Quota } from './quota.ts';

/** The tags of all repositories. */
export class TagStore {
  readonly #layout: Layout;
  readonly #quota: Quota;
  readonly #tags: BoundedCache<Digest>;
  readonly #lists: BoundedCache<readonly string[]>;

  constructor(layout: Layout, quota: Quota, cacheBytes: number) {
    this.#layout = layout;
    this.#quota = quota;
    this.#tags = new BoundedCache(cacheBytes, digest => digest.length);
    this.#lists = new BoundedCache(cacheBytes, names =>
      names.reduce((sum, name) => sum + name.length + 16, 0),
    );
  }

  async read(repository: string, tag: string): Promise<Digest | undefined> {
    const key = `${repository}:${tag}`;
    const known = this.#tags.get(key);
    if (known !== undefined) return known;
    const { version } = this.#tags;
    const digest =
      (await this.#load(this.#layout.tag(repository, tag))) ?? (await this.#loadOld(repository, tag));
    if (digest !== undefined) this.#tags.fill(key, digest, version);
    return digest;
  }

  /** All tags, sorted by code unit. */
  async list(repository: string): Promise<readonly string[]> {
    const known = this.#lists.get(repository);
    if (known !== undefined) return known;
    const { version } = this.#lists;
    const files = await namesIn(this.#layout.folder(repository, '_tags'));
    const names = [...new Set(files.flatMap(file => tagOfFile(file) ?? []))].sort();
    this.#lists.fill(repository, names, version);
    return names;
  }

  async prepare(repository: string, tag: string, digest: Digest): Promise<PreparedManifest> {
    this.#quota.foresee(nameCost);
    const path = this.#layout.tag(repository, tag);
    await makeFolder(dirname(path));
    const file = await prepareFile(this.#layout.temporary, tag, digest, { durable: true });
    const commit = async (): Promise<void> => {
      const before = sizeOf(path);
      await file.commit(path);
      if (before === undefined) this.#quota.add(nameCost);
      this.#tags.put(`${repository}:${tag}`, digest);
      this.#lists.drop(repository);
    };
    return { commit, discard: () => file.discard(), sync: () => syncFolder(dirname(path)) };
  }

  async remove(repository: string, tag: string): Promise<boolean> {
    try {
      await unlink(this.#layout.tag(repository, tag));
      this.#quota.release(nameCost);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    } finally {
      this.#tags.drop(`${repository}:${tag}`);
      this.#lists.drop(repository);
    }
  }

  async pointingAt(repository: string, digest: Digest): Promise<readonly string[]> {
    const found: string[] = [];
    for (const tag of await this.list(repository)) {
      if ((await this.read(repository, tag)) === digest) found.push(tag);
    }
    return found;
  }

  /** Gives the files of an earlier version, which kept capitals, their new names. */
  async migrate(repository: string): Promise<void> {
    const folder = this.#layout.folder(repository, '_tags');
    for (const name of await namesIn(folder)) {
      const tag = tagOfFile(name);
      if (tag === name && tagFileName(tag) !== name) {
        await rename(join(folder, name), this.#layout.tag(repository, tag));
      }
    }
  }

  /** A folder that is served read-only may still have the names of an earlier version. */
  async #loadOld(repository: string, tag: string): Promise<Digest | undefined> {
    const folder = this.#layout.folder(repository, '_tags');
    if (tagFileName(tag) === tag || !(await namesIn(folder)).includes(tag)) return undefined;
    return this.#load(join(folder, tag));
  }

  async #load(path: string): Promise<Digest | undefined> {
    try {
      const text = await readFile(path, 'utf8');
      return isDigest(text) ? text : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

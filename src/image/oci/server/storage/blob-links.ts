import { closeSync, futimesSync, openSync, statSync, unlinkSync } from 'node:fs';
import { unlink, utimes } from 'node:fs/promises';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { type ContentStore, namesIn } from '../../../../ground/store/content-store.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { isMissing, systemCode, toWriteFault } from '../../../../ground/store/write-fault.ts';
import type { Clock } from '../../../../model/clock.ts';
import type { Digest } from '../../../../model/digest.ts';
import { digestOfFile, type Layout } from './layout.ts';
import type { Pins } from './pins.ts';
import { nameCost, type Quota } from './quota.ts';

interface KnownBlob {
  readonly size: number;
  /** When garbage collection last learned that somebody wants it, in milliseconds. */
  readonly touched: number;
}

export interface BlobLinksOptions {
  readonly layout: Layout;
  readonly content: ContentStore;
  readonly pins: Pins;
  readonly quota: Quota;
  readonly clock: Clock;
  readonly cacheBytes: number;
  /** How long an unreachable blob stays, in milliseconds. */
  readonly grace: number;
  readonly readOnly: boolean;
}

/** Which blobs each repository holds. */
export class BlobLinks {
  readonly #o: BlobLinksOptions;
  readonly #cache: BoundedCache<KnownBlob>;

  constructor(o: BlobLinksOptions) {
    this.#o = o;
    this.#cache = new BoundedCache(o.cacheBytes, () => 32);
  }

  /**
   * The size of a blob that the repository holds. Who hears "it is here" will not upload it, so the answer renews
   * its grace: a manifest that names it may take a while to arrive.
   */
  async size(repository: string, digest: Digest): Promise<number | undefined> {
    const key = keyOf(repository, digest);
    const known = this.#cache.get(key) ?? this.#load(repository, digest);
    if (known === undefined) return undefined;
    const now = this.#now();
    if (!this.#o.readOnly && now - known.touched > this.#o.grace / 2) {
      const { version } = this.#cache;
      const isThere = await this.#o.pins.hold([digest], () => this.#touch(repository, digest, now));
      if (!isThere) return undefined;
      if (version === this.#cache.version) this.#cache.put(key, { size: known.size, touched: now });
    }
    return known.size;
  }

  async add(repository: string, digest: Digest, size: number): Promise<void> {
    const path = this.#o.layout.blob(repository, digest);
    await makeFolder(this.#o.layout.folder(repository, '_blobs'));
    const now = this.#now();
    try {
      const file = this.#openLink(path);
      // By our clock, not by the one of a file server: ages are judged by ours.
      try {
        futimesSync(file, now / 1000, now / 1000);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw toWriteFault(error, path);
    }
    this.#cache.put(keyOf(repository, digest), { size, touched: now });
  }

  async remove(repository: string, digest: Digest): Promise<boolean> {
    try {
      await unlink(this.#o.layout.blob(repository, digest));
      this.#o.quota.release(nameCost);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    } finally {
      this.#cache.drop(keyOf(repository, digest));
    }
  }

  /** Synchronous, so that nothing can happen between the collector's last look and the removal. */
  removeNow(repository: string, digest: Digest): void {
    unlinkSync(this.#o.layout.blob(repository, digest));
    this.#o.quota.release(nameCost);
    this.#cache.drop(keyOf(repository, digest));
  }

  async list(repository: string): Promise<readonly Digest[]> {
    const names = await namesIn(this.#o.layout.folder(repository, '_blobs'));
    return names.flatMap(name => digestOfFile(name) ?? []);
  }

  /** When the repository was last seen to want the blob, in milliseconds. */
  touched(repository: string, digest: Digest): number | undefined {
    try {
      return statSync(this.#o.layout.blob(repository, digest), { throwIfNoEntry: false })?.mtimeMs;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Counted when it is new, which only the system can tell. */
  #openLink(path: string): number {
    this.#o.quota.reserve(nameCost);
    try {
      return openSync(path, 'wx');
    } catch (error) {
      this.#o.quota.release(nameCost);
      if (systemCode(error) !== 'EEXIST') throw error;
      return openSync(path, 'a');
    }
  }

  #load(repository: string, digest: Digest): KnownBlob | undefined {
    const { version } = this.#cache;
    const touched = this.touched(repository, digest);
    const size = this.#o.content.size(digest);
    if (touched === undefined || size === undefined) return undefined;
    const known = { size, touched };
    this.#cache.fill(keyOf(repository, digest), known, version);
    return known;
  }

  async #touch(repository: string, digest: Digest, now: number): Promise<boolean> {
    try {
      await utimes(this.#o.layout.blob(repository, digest), now / 1000, now / 1000);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #now(): number {
    return this.#o.clock.now().getTime();
  }
}

function keyOf(repository: string, digest: Digest): string {
  return `${repository}@${digest}`;
}

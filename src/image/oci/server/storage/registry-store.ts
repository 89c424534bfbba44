import { readFile, rm } from 'node:fs/promises';
import { Fault, hasCode } from '../../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../../ground/store/atomic-file.ts';
import { ContentStore, namesIn } from '../../../../ground/store/content-store.ts';
import { type FolderLock, lockFolder } from '../../../../ground/store/folder-lock.ts';
import { KeyLock } from '../../../../ground/store/key-lock.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { isMissing, toWriteFault } from '../../../../ground/store/write-fault.ts';
import type { Clock } from '../../../../model/clock.ts';
import { BlobLinks } from './blob-links.ts';
import { Layout } from './layout.ts';
import { ManifestStore } from './manifest-store.ts';
import { Pins } from './pins.ts';
import { nameCost, Quota } from './quota.ts';
import { listRepositories } from './repository-names.ts';
import { TagStore } from './tag-store.ts';
import { Uploads } from './uploads.ts';

export interface StoreOptions {
  readonly data: string;
  readonly purpose: string;
  readonly clock: Clock;
  readonly readOnly: boolean;
  readonly quotaBytes?: number;
  readonly openUploads: number;
  readonly uploadAge: number;
  readonly grace: number;
  readonly cacheBytes: number;
}

const format = JSON.stringify({ kind: 'cascadeguard-registry', version: 1 });

/** A data folder that this process owns. */
export class RegistryStore {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly content: ContentStore;
  readonly quota: Quota;
  readonly pins = new Pins();
  /** Pushes of manifests, tags and deletes, one at a time per repository. */
  readonly lock = new KeyLock();
  readonly blobs: BlobLinks;
  readonly manifests: ManifestStore;
  readonly tags: TagStore;
  readonly uploads: Uploads;
  /** Undefined on a file system that nobody can write to, where there is nothing to own. */
  readonly #owner: FolderLock | undefined;

  private constructor(o: StoreOptions, owner: FolderLock | undefined) {
    this.#owner = owner;
    this.clock = o.clock;
    this.layout = new Layout(o.data);
    this.content = new ContentStore(this.layout.blobs);
    this.quota = new Quota(o.quotaBytes);
    const { layout, content, pins, clock } = this;
    const cacheBytes = o.cacheBytes / 4;
    this.blobs = new BlobLinks({
      layout,
      content,
      pins,
      quota: this.quota,
      clock,
      cacheBytes,
      grace: o.grace,
      readOnly: o.readOnly,
    });
    this.manifests = new ManifestStore(layout, content, this.quota, cacheBytes * 2);
    this.tags = new TagStore(layout, this.quota, cacheBytes / 2);
    this.uploads = new Uploads(layout, this.quota, o, clock);
  }

  static async open(o: StoreOptions): Promise<RegistryStore> {
    const owner = o.readOnly ? lockIfWritable(o) : lockFolder(o.data, o.purpose);
    try {
      const store = new RegistryStore(o, owner);
      await store.#prepare(o.readOnly);
      return store;
    } catch (error) {
      owner?.release();
      throw toWriteFault(error, o.data);
    }
  }

  close(): void {
    this.#owner?.release();
  }

  async #prepare(readOnly: boolean): Promise<void> {
    await checkFormat(this.layout, readOnly);
    if (!readOnly) {
      // Whatever is on its way to a name belonged to a process that is gone.
      await rm(this.layout.temporary, { recursive: true, force: true });
      await makeFolder(this.layout.temporary);
      await makeFolder(this.layout.repositories);
      for await (const repository of listRepositories(this.layout)) await this.tags.migrate(repository);
    }
    for await (const content of this.content.list()) this.quota.add(content.size);
    for await (const repository of listRepositories(this.layout)) await this.#countNames(repository);
    await this.uploads.restore(listRepositories(this.layout));
  }

  async #countNames(repository: string): Promise<void> {
    const names = (await this.blobs.list(repository)).length + (await this.tags.list(repository)).length;
    this.quota.add(names * nameCost + (await this.manifests.measure(repository)));
  }
}

function lockIfWritable(o: StoreOptions): FolderLock | undefined {
  try {
    return lockFolder(o.data, o.purpose);
  } catch (error) {
    if (hasCode(error, 'WRITE_FAILED')) return undefined;
    throw error;
  }
}

async function checkFormat(layout: Layout, readOnly: boolean): Promise<void> {
  let found: string;
  try {
    found = await readFile(layout.format, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    const strangers = (await namesIn(layout.root)).filter(name => !name.startsWith('owner.lock'));
    if (strangers.length > 0 && !strangers.includes('repositories')) {
      throw unknownFormat(layout, `a folder with ${strangers.slice(0, 3).join(', ')}`);
    }
    if (!readOnly) await writeFileAtomically(layout.format, format, { durable: true });
    return;
  }
  if (found === format) return;
  if (isNewer(found))
    throw new Fault('STORE_FORMAT_UNKNOWN', {
      what: 'a newer cg wrote this data folder, and this one cannot read it',
      where: layout.root,
      expected: format.trim(),
      actual: found.slice(0, 100).trim(),
      next: 'use the version of cg that wrote it, or another folder with --data DIR',
    });
  throw unknownFormat(layout, found.slice(0, 100));
}

function isNewer(found: string): boolean {
  try {
    const [theirs, ours] = [found, format].map(
      text => (JSON.parse(text) as { readonly version?: unknown }).version,
    );
    return typeof theirs === 'number' && typeof ours === 'number' && theirs > ours;
  } catch {
    return false;
  }
}

function unknownFormat(layout: Layout, actual: string): Fault {
  return new Fault('STORE_FORMAT_UNKNOWN', {
    what: 'the data folder is not one of this registry',
    where: layout.root,
    expected: `an empty folder, or one whose format.json says ${format}`,
    actual,
  });
}

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type PreparedFile, prepareAll, prepareFile } from '../../../../ground/store/atomic-file.ts';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { type ContentStore, namesIn, sizeOf } from '../../../../ground/store/content-store.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { syncFolder } from '../../../../ground/store/sync-folder.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import type { Descriptor } from '../../../../model/descriptor.ts';
import { algorithmOf, type Digest, hexOf } from '../../../../model/digest.ts';
import { digestOfFile, type Layout } from './layout.ts';
import { describeReferrer, type ManifestDocument, readManifestDocument } from './manifest-document.ts';
import { nameCost, type Quota } from './quota.ts';
import { storeSmallContent } from './small-content.ts';

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** A manifest whose bytes are on the device already and whose names only have to be given. */
export interface PreparedManifest {
  commit(): Promise<void>;
  discard(): Promise<void>;
  /** Makes the names survive a power cut; needs no lock. */
  sync(): Promise<void>;
}

/** The manifests of all repositories, and the lists of what refers to them. */
export class ManifestStore {
  readonly #layout: Layout;
  readonly #content: ContentStore;
  readonly #quota: Quota;
  readonly #cache: BoundedCache<StoredManifest>;

  constructor(layout: Layout, content: ContentStore, quota: Quota, cacheBytes: number) {
    this.#layout = layout;
    this.#content = content;
    this.#quota = quota;
    this.#cache = new BoundedCache(cacheBytes, manifest => manifest.bytes.length);
  }

  async read(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    const key = `${repository}@${digest}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const { version } = this.#cache;
    const manifest = await this.#load(repository, digest);
    if (manifest !== undefined) this.#cache.fill(key, manifest, version);
    return manifest;
  }

  has(repository: string, digest: Digest): boolean {
    return this.touched(repository, digest) !== undefined;
  }

  /** When it was pushed last, in milliseconds. */
  touched(repository: string, digest: Digest): number | undefined {
    try {
      return statSync(this.#layout.manifest(repository, digest), { throwIfNoEntry: false })?.mtimeMs;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async prepare(
    repository: string,
    digest: Digest,
    bytes: Buffer,
    document: ManifestDocument,
  ): Promise<PreparedManifest> {
    const { mediaType, subject } = document;
    const path = this.#layout.manifest(repository, digest);
    const referrer = subject && this.#layout.referrer(repository, subject, digest);
    const description = referrer && JSON.stringify(describeReferrer(document, digest, bytes.length));
    this.#quota.foresee(nameCost + entryCost(description));
    await makeFolder(dirname(path));
    const [link, entry] = await prepareAll([
      this.#prepare(path, mediaType),
      ...(referrer && description ? [this.#prepare(referrer, description)] : []),
      this.#storeContent(digest, bytes),
    ]);
    const discard = async (): Promise<void> => {
      await Promise.all([link?.discard(), entry?.discard()]);
    };
    const commit = async (): Promise<void> => {
      // The entry first: a list leaves out what is not there, but a manifest never lacks its entry.
      if (referrer) {
        // Made here, under the caller's lock, because garbage collection removes lists that became empty.
        await makeFolder(dirname(referrer));
        const before = entrySize(referrer);
        await entry?.commit(referrer);
        this.#quota.release(before);
        this.#quota.add(entryCost(description));
      }
      const isNew = sizeOf(path) === undefined;
      await link?.commit(path);
      if (isNew) this.#quota.add(nameCost);
      this.#cache.put(`${repository}@${digest}`, { digest, mediaType, bytes });
    };
    const sync = async (): Promise<void> => {
      await Promise.all([syncFolder(dirname(path)), ...(referrer ? [syncFolder(dirname(referrer))] : [])]);
    };
    return { commit, discard, sync };
  }

  async remove(repository: string, digest: Digest): Promise<void> {
    const manifest = await this.read(repository, digest);
    const subject = manifest && readManifestDocument(manifest.bytes, manifest.mediaType).subject;
    if (await removeFile(this.#layout.manifest(repository, digest))) this.#quota.release(nameCost);
    this.#cache.drop(`${repository}@${digest}`);
    if (!subject) return;
    const entry = this.#layout.referrer(repository, subject, digest);
    const cost = entrySize(entry);
    if (await removeFile(entry)) this.#quota.release(cost);
  }

  async list(repository: string): Promise<readonly Digest[]> {
    const names = await namesIn(this.#layout.folder(repository, '_manifests'));
    return names.flatMap(name => digestOfFile(name) ?? []);
  }

  /** What names the subject, sorted by digest, after a digest. Entries of manifests that are gone are left out. */
  async *referrers(repository: string, subject: Digest, after: string): AsyncGenerator<Descriptor> {
    for (const [at, digest] of (await this.referrerDigests(repository, subject)).entries()) {
      // Each entry is read at once; a long list lets others in between.
      if (at % 64 === 63) await setImmediate();
      if (digest <= after || !this.has(repository, digest)) continue;
      const descriptor = readDescriptor(this.#layout.referrer(repository, subject, digest));
      if (descriptor?.digest === digest) yield descriptor;
    }
  }

  /** What the names of a repository's manifests and the entries of its referrers lists cost. */
  async measure(repository: string): Promise<number> {
    let cost = (await this.list(repository)).length * nameCost;
    for (const subject of await namesIn(this.#layout.folder(repository, '_refs'))) {
      const digest = digestOfFile(subject);
      for (const each of digest ? await this.referrerDigests(repository, digest) : []) {
        if (digest) cost += entrySize(this.#layout.referrer(repository, digest, each));
      }
    }
    return cost;
  }

  async referrerDigests(repository: string, subject: Digest): Promise<readonly Digest[]> {
    const names = await namesIn(this.#layout.referrersOf(repository, subject));
    return names.flatMap(name => digestOfFile(name) ?? []);
  }

  async #load(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    try {
      const [mediaType, bytes] = await Promise.all([
        readFile(this.#layout.manifest(repository, digest), 'utf8'),
        readFile(this.#content.path(digest)),
      ]);
      const actual = createHash(algorithmOf(digest)).update(bytes).digest('hex');
      // A damaged file is not served: a client can push it again, which it would not do if we said it is here.
      return actual === hexOf(digest) && mediaType !== '' ? { digest, mediaType, bytes } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #storeContent(digest: Digest, bytes: Buffer): Promise<undefined> {
    await storeSmallContent(
      { layout: this.#layout, content: this.#content, quota: this.#quota },
      digest,
      bytes,
    );
  }

  #prepare(path: string, bytes: Uint8Array | string): Promise<PreparedFile> {
    return prepareFile(this.#layout.temporary, basename(path), bytes, { durable: true });
  }
}

function readDescriptor(path: string): Descriptor | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Descriptor;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What an entry in a referrers list costs. */
function entryCost(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text) + nameCost;
}

function entrySize(path: string): number {
  const size = sizeOf(path);
  return size === undefined ? 0 : size + nameCost;
}

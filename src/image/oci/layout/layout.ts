import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { KeyLock } from '../../../ground/store/key-lock.ts';
import { readRegularFile } from '../../../ground/store/regular-file.ts';
import { isMissing, toWriteFault } from '../../../ground/store/write-fault.ts';
import { type Descriptor, isManifestType } from '../../../model/descriptor.ts';
import { algorithmOf, type Digest, isDigest } from '../../../model/digest.ts';
import { decideMediaType, largestManifestRead, parseContent } from '../content.ts';
import type {
  BlobPush,
  Call,
  Manifest,
  ManifestPush,
  Pushed,
  Registry,
  TagChange,
  TagOrDigest,
} from '../registry.ts';
import { exactly, verified, verifyBytes } from '../verified.ts';
import { blobPath, hasBlobFile, makeBlobFolder, readBlobFile, writeBlobFile } from './blob-files.ts';
import {
  addEntry,
  dropChildren,
  emptyIndex,
  findEntry,
  type LayoutIndex,
  readLayoutIndex,
  tagsOf,
  writeLayoutIndex,
} from './layout-index.ts';
import { findReferrers } from './stored-referrers.ts';

/** All objects of this process that write to one folder take turns at its index. */
const indexLocks = new KeyLock();
const tagLocks = new KeyLock();

/** An OCI image layout folder. It is created by the first push. */
export class LayoutRegistry implements Registry {
  readonly place: string;
  readonly folder: string;
  #last: LayoutIndex | undefined;

  constructor(path: string) {
    this.folder = resolve(path);
    this.place = `oci:${path}`;
  }

  /** An entry of the index without its file is nothing. */
  async head(reference: TagOrDigest): Promise<Descriptor | undefined> {
    const digest = isDigest(reference) ? reference : findEntry(await this.#index(), reference)?.digest;
    if (digest === undefined) return undefined;
    try {
      return (await this.#read(digest))?.descriptor;
    } catch (error) {
      // What is damaged is not there: a push puts it right, and a reader learns more from manifest().
      if (hasCode(error, 'DIGEST_MISMATCH', 'CONTENT_INVALID', 'FILE_INVALID')) return undefined;
      throw error;
    }
  }

  async manifest(reference: TagOrDigest): Promise<Manifest> {
    const digest = isDigest(reference) ? reference : findEntry(await this.#index(), reference)?.digest;
    const manifest = digest === undefined ? undefined : await this.#read(digest);
    if (manifest !== undefined) return manifest;
    throw new Fault('NOT_FOUND', { what: `${this.place} does not hold ${reference}`, where: this.place });
  }

  blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array> {
    const offset = o?.offset ?? 0;
    const bytes = readBlobFile(this.folder, descriptor, offset, o?.signal);
    return offset === 0
      ? verified(bytes, descriptor, this.place)
      : exactly(bytes, descriptor.size - offset, descriptor, this.place);
  }

  async push(content: ManifestPush | BlobPush, o?: Call): Promise<Pushed> {
    o?.signal?.throwIfAborted();
    await this.#create();
    if (await hasBlobFile(this.folder, content.descriptor, o?.signal)) {
      if (content.kind === 'manifest') await this.#enlist(content);
      return { outcome: 'present' };
    }
    const { descriptor } = content;
    if (content.kind === 'blob') {
      const bytes = verified(content.open(0), descriptor, `the source of ${descriptor.digest}`);
      await writeBlobFile(this.folder, descriptor.digest, stopping(bytes, o?.signal));
    } else {
      verifyBytes(content.bytes, descriptor, 'the manifest to push');
      await writeFileAtomically(await this.#blobTarget(descriptor.digest), content.bytes, {
        temporaryFolder: this.folder,
      });
      await this.#enlist(content);
    }
    return { outcome: 'uploaded' };
  }

  async change(tag: string, change: TagChange, o?: Call): Promise<Manifest | undefined> {
    return await tagLocks.run(`${this.folder}:${tag}`, async () => {
      const before = await this.#tagged(tag);
      if (change.isDone(before)) return before;
      const wanted = await change.apply(before);
      await this.push({ kind: 'manifest', ...wanted, tags: [tag] }, o);
      return wanted;
    });
  }

  async *tags(): AsyncIterable<string> {
    yield* tagsOf(await this.#index());
  }

  async referrers(subject: Digest): Promise<readonly Descriptor[]> {
    return await findReferrers(subject, await this.#index(), this.place, digest => this.#read(digest));
  }

  /** Takes a tag or a manifest out of the index. Blobs stay: others may need them. */
  async remove(reference: TagOrDigest): Promise<void> {
    await this.#change(index => ({
      ...index,
      entries: index.entries.filter(entry =>
        isDigest(reference)
          ? entry.digest !== reference
          : findEntry({ ...index, entries: [entry] }, reference) === undefined,
      ),
    }));
    if (isDigest(reference)) await rm(blobPath(this.folder, reference), { force: true });
  }

  async #index(): Promise<LayoutIndex> {
    this.#last = await readLayoutIndex(this.folder, this.#last);
    return this.#last ?? emptyIndex;
  }

  /** A manifest must be listed, unless an index that is listed brings it along. */
  async #enlist(push: ManifestPush): Promise<void> {
    const content = parseContent(push);
    const tags = push.tags ?? [];
    await this.#change(index => {
      const added = addEntry(index, push.descriptor, tags);
      return content.kind === 'index' ? dropChildren(added, content.manifests) : added;
    });
  }

  async #change(change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    await indexLocks.run(this.folder, async () => {
      const before = await this.#index();
      const after = change(before);
      if (JSON.stringify(before) !== JSON.stringify(after)) await writeLayoutIndex(this.folder, after);
    });
  }

  async #tagged(tag: string): Promise<Manifest | undefined> {
    const entry = findEntry(await this.#index(), tag);
    return entry && (await this.#read(entry.digest));
  }

  /** Undefined when there is no such file. */
  async #read(digest: Digest): Promise<Manifest | undefined> {
    const path = blobPath(this.folder, digest);
    try {
      const bytes = await readRegularFile(path, largestManifestRead);
      if (bytes === undefined) return undefined;
      const size = bytes.length;
      verifyBytes(bytes, { digest, size }, this.place);
      return { descriptor: { mediaType: await this.#mediaType(digest, bytes), digest, size }, bytes };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #mediaType(digest: Digest, bytes: Uint8Array): Promise<string> {
    const listed = findEntry(await this.#index(), digest)?.mediaType;
    return decideMediaType(
      listed !== undefined && isManifestType(listed) ? listed : undefined,
      bytes,
      digest,
    );
  }

  async #create(): Promise<void> {
    try {
      await makeBlobFolder(this.folder);
      await indexLocks.run(this.folder, async () => {
        if ((await readLayoutIndex(this.folder)) !== undefined) return;
        await writeFileAtomically(join(this.folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
        await writeLayoutIndex(this.folder, emptyIndex);
      });
    } catch (error) {
      throw toWriteFault(error, this.folder);
    }
  }

  async #blobTarget(digest: Digest): Promise<string> {
    await makeBlobFolder(this.folder, algorithmOf(digest));
    return blobPath(this.folder, digest);
  }
}

async function* stopping(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

import { Fault } from '../../../ground/fault/fault.ts';
import { type Descriptor, isManifestType } from '../../../model/descriptor.ts';
import { algorithmOf, type Digest, hexOf, isDigest } from '../../../model/digest.ts';
import { decideMediaType, largestManifestRead } from '../content.ts';
import { findEntry, type LayoutIndex, parseLayoutIndex, tagsOf } from '../layout/layout-index.ts';
import { findReferrers } from '../layout/stored-referrers.ts';
import type { Call, Manifest, Pushed, Registry, TagOrDigest } from '../registry.ts';
import { exactly, verified, verifyBytes } from '../verified.ts';
import { ArchiveFile } from './archive-file.ts';
import { notWritable } from './not-writable.ts';

/** An OCI image layout in one tar file, for reading. */
export class OciArchive implements Registry {
  readonly place: string;
  readonly index: LayoutIndex;
  readonly #file: ArchiveFile;

  private constructor(file: ArchiveFile, index: LayoutIndex) {
    this.place = `oci-archive:${file.path}`;
    this.#file = file;
    this.index = index;
  }

  static async open(path: string): Promise<OciArchive> {
    const file = await ArchiveFile.open(path);
    const bytes = await file.readSmall('index.json', largestManifestRead);
    if (bytes !== undefined) return new OciArchive(file, parseLayoutIndex(bytes, `${path}: index.json`));
    const isDocker = file.find('manifest.json') !== undefined;
    throw new Fault('FILE_INVALID', {
      what: `${path} holds no OCI image layout`,
      where: path,
      expected: 'index.json',
      ...(isDocker && { next: `it looks like the output of docker save: write docker-archive:${path}` }),
    });
  }

  async head(reference: TagOrDigest): Promise<Descriptor | undefined> {
    const digest = isDigest(reference) ? reference : findEntry(this.index, reference)?.digest;
    return digest === undefined ? undefined : (await this.#read(digest))?.descriptor;
  }

  async manifest(reference: TagOrDigest): Promise<Manifest> {
    const digest = isDigest(reference) ? reference : findEntry(this.index, reference)?.digest;
    const manifest = digest === undefined ? undefined : await this.#read(digest);
    if (manifest !== undefined) return manifest;
    throw new Fault('NOT_FOUND', { what: `${this.place} does not hold ${reference}`, where: this.place });
  }

  async *blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array> {
    const entry = this.#file.find(nameOf(descriptor.digest));
    if (entry === undefined)
      throw new Fault('NOT_FOUND', {
        what: `${this.place} does not hold the blob ${descriptor.digest}`,
        where: this.place,
      });
    const offset = o?.offset ?? 0;
    const bytes = this.#file.read(entry, offset, o?.signal);
    yield* offset === 0
      ? verified(bytes, descriptor, this.place)
      : exactly(bytes, descriptor.size - offset, descriptor, this.place);
  }

  push(): Promise<Pushed> {
    return Promise.reject(notWritable(this.place));
  }

  change(): Promise<undefined> {
    return Promise.reject(notWritable(this.place));
  }

  async *tags(): AsyncIterable<string> {
    yield* tagsOf(this.index);
  }

  async referrers(subject: Digest): Promise<readonly Descriptor[]> {
    return await findReferrers(subject, this.index, this.place, digest => this.#read(digest));
  }

  async #read(digest: Digest): Promise<Manifest | undefined> {
    const bytes = await this.#file.readSmall(nameOf(digest), largestManifestRead);
    if (bytes === undefined) return undefined;
    verifyBytes(bytes, { digest, size: bytes.length }, this.place);
    const listed = findEntry(this.index, digest)?.mediaType;
    const header = listed !== undefined && isManifestType(listed) ? listed : undefined;
    return {
      descriptor: { mediaType: decideMediaType(header, bytes, digest), digest, size: bytes.length },
      bytes,
    };
  }
}

function nameOf(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

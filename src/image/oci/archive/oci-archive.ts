import { Fault } from '../../../ground/fault/fault.ts';
import { type Descriptor, isManifestType } from '../../../model/descriptor.ts';
import { algorithmOf, type Digest, hexOf, isDigest } from '../../../model/digest.ts';
import { decideMediaType, largestManifestRead } from '../content.ts';
import { findEntry, type LayoutIndex, parseLayoutIndex, tagsOf } from '../layout/layout-index.ts';
import { findReferrers } from '../layout/stored-referrers.ts';
import type { Manifest, TagOrDigest } from '../registry.ts';
import { verifyBytes } from '../verified.ts';
import { ArchiveFile } from './archive-file.ts';
import { ArchiveRegistry } from './archive-registry.ts';
import type { TarEntry } from './tar-index.ts';

/** An OCI image layout in one tar file, for reading. */
export class OciArchive extends ArchiveRegistry {
  readonly index: LayoutIndex;

  private constructor(file: ArchiveFile, index: LayoutIndex) {
    super('oci-archive', file);
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

  protected async findManifest(reference: TagOrDigest): Promise<Manifest | undefined> {
    const digest = isDigest(reference) ? reference : findEntry(this.index, reference)?.digest;
    return digest === undefined ? undefined : await this.#read(digest);
  }

  protected findBlob(digest: Digest): TarEntry | undefined {
    return this.file.find(nameOf(digest));
  }

  async *tags(): AsyncIterable<string> {
    yield* tagsOf(this.index);
  }

  async referrers(subject: Digest): Promise<readonly Descriptor[]> {
    return await findReferrers(subject, this.index, this.place, digest => this.#read(digest));
  }

  async #read(digest: Digest): Promise<Manifest | undefined> {
    const bytes = await this.file.readSmall(nameOf(digest), largestManifestRead);
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

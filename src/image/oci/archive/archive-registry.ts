import { Fault } from '../../../ground/fault/fault.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import type { Call, Manifest, Pushed, Registry, TagOrDigest } from '../registry.ts';
import { exactly, verified } from '../verified.ts';
import type { ArchiveFile } from './archive-file.ts';
import type { TarEntry } from './tar-index.ts';

/** What all archives have in common: blobs are read in place, and nothing is ever written. */
export abstract class ArchiveRegistry implements Registry {
  readonly place: string;
  protected readonly file: ArchiveFile;

  protected constructor(kind: string, file: ArchiveFile) {
    this.place = `${kind}:${file.path}`;
    this.file = file;
  }

  protected abstract findManifest(reference: TagOrDigest): Promise<Manifest | undefined>;
  protected abstract findBlob(digest: Digest): TarEntry | undefined;
  abstract tags(): AsyncIterable<string>;
  abstract referrers(subject: Digest): Promise<readonly Descriptor[]>;

  async head(reference: TagOrDigest): Promise<Descriptor | undefined> {
    return (await this.findManifest(reference))?.descriptor;
  }

  async manifest(reference: TagOrDigest): Promise<Manifest> {
    const found = await this.findManifest(reference);
    if (found !== undefined) return found;
    throw new Fault('NOT_FOUND', { what: `${this.place} does not hold ${reference}`, where: this.place });
  }

  async *blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array> {
    const entry = this.findBlob(descriptor.digest);
    if (entry === undefined) {
      throw new Fault('NOT_FOUND', {
        what: `${this.place} does not hold the blob ${descriptor.digest}`,
        where: this.place,
      });
    }
    const offset = o?.offset ?? 0;
    const bytes = this.file.read(entry, offset, o?.signal);
    yield* offset === 0
      ? verified(bytes, descriptor, this.place)
      : exactly(bytes, descriptor.size - offset, descriptor, this.place);
  }

  push(): Promise<Pushed> {
    return Promise.reject(this.#notWritable());
  }

  change(): Promise<undefined> {
    return Promise.reject(this.#notWritable());
  }

  #notWritable(): Fault {
    return new Fault('UNSUPPORTED', {
      what: `${this.place} can only be read`,
      where: this.place,
      next: 'copy to a layout folder (oci:PATH) and pack that with tar',
    });
  }
}

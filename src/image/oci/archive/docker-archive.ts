import { createHash } from 'node:crypto';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { formatImageReference, parseImageReference } from '../../../model/image-reference.ts';
import { largestManifestRead } from '../content.ts';
import { gunzip } from '../gunzip.ts';
import type { Call, Manifest, Pushed, Registry, TagOrDigest } from '../registry.ts';
import { digestFault, digestOf, exactly, verified } from '../verified.ts';
import { ArchiveFile, sniffCompression } from './archive-file.ts';
import { notWritable } from './not-writable.ts';
import type { TarEntry } from './tar-index.ts';

interface SavedImage {
  readonly names: readonly string[];
  readonly manifest: Manifest;
}

const largestUnpacked = 64 * 1024 ** 3;

/**
 * What `docker save` writes. It has no manifests, so one is made for each image from its configuration and its
 * layers as they are; the configuration's own list of layer digests proves that they belong together.
 */
export class DockerArchive implements Registry {
  readonly place: string;
  readonly images: readonly SavedImage[];
  readonly #file: ArchiveFile;
  readonly #blobs: ReadonlyMap<Digest, TarEntry>;

  private constructor(
    file: ArchiveFile,
    images: readonly SavedImage[],
    blobs: ReadonlyMap<Digest, TarEntry>,
  ) {
    this.place = `docker-archive:${file.path}`;
    this.#file = file;
    this.images = images;
    this.#blobs = blobs;
  }

  static async open(path: string, signal?: AbortSignal): Promise<DockerArchive> {
    const file = await ArchiveFile.open(path);
    const blobs = new Map<Digest, TarEntry>();
    const images: SavedImage[] = [];
    for (const saved of await readSavedList(file)) images.push(await readImage(file, saved, blobs, signal));
    return new DockerArchive(file, images, blobs);
  }

  head(reference: TagOrDigest): Promise<Descriptor | undefined> {
    return Promise.resolve(this.#find(reference)?.manifest.descriptor);
  }

  manifest(reference: TagOrDigest): Promise<Manifest> {
    const found = this.#find(reference);
    if (found !== undefined) return Promise.resolve(found.manifest);
    return Promise.reject(
      new Fault('NOT_FOUND', { what: `${this.place} does not hold ${reference}`, where: this.place }),
    );
  }

  async *blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array> {
    const entry = this.#blobs.get(descriptor.digest);
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
    const tags = this.images.flatMap(image => image.names.flatMap(name => tagOf(name) ?? []));
    yield* [...new Set(tags)].sort();
  }

  referrers(): Promise<readonly Descriptor[]> {
    return Promise.resolve([]);
  }

  #find(reference: TagOrDigest): SavedImage | undefined {
    const full = parseImageReference(reference);
    const wanted = 'value' in full ? formatImageReference(full.value) : reference;
    return this.images.find(
      ({ names, manifest }) =>
        manifest.descriptor.digest === reference ||
        names.some(name => tagOf(name) === reference || canonical(name) === wanted),
    );
  }
}

interface SavedEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

async function readSavedList(file: ArchiveFile): Promise<SavedEntry[]> {
  const bytes = await file.readSmall('manifest.json', largestManifestRead);
  if (bytes === undefined) {
    const isLayout = file.find('index.json') !== undefined;
    throw invalid(file, 'no manifest.json', isLayout ? `write oci-archive:${file.path}` : undefined);
  }
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw invalid(file, 'a manifest.json that is not JSON', undefined, error);
  }
  if (!Array.isArray(list)) throw invalid(file, 'a manifest.json that is not a list');
  return list.map(item => {
    const { Config, RepoTags, Layers } = (item ?? {}) as Record<string, unknown>;
    if (typeof Config !== 'string' || !isTextList(Layers))
      throw invalid(file, 'a manifest.json without Config or Layers');
    return { Config, Layers, RepoTags: isTextList(RepoTags) ? RepoTags : [] };
  });
}

async function readImage(
  file: ArchiveFile,
  saved: SavedEntry,
  blobs: Map<Digest, TarEntry>,
  signal: AbortSignal | undefined,
): Promise<SavedImage> {
  const configEntry = file.find(saved.Config);
  const config = await file.readSmall(saved.Config, largestManifestRead);
  if (config === undefined || configEntry === undefined) throw invalid(file, `no ${saved.Config}`);
  const diffIds = readDiffIds(file, config);
  if (diffIds.length !== saved.Layers.length)
    throw invalid(file, `${saved.Layers.length} layers for ${diffIds.length} in the configuration`);
  const configDigest = digestOf(config);
  blobs.set(configDigest, configEntry);
  const layers: Descriptor[] = [];
  for (const [at, name] of saved.Layers.entries()) {
    layers.push(await readLayer(file, name, diffIds[at] ?? '', blobs, signal));
  }
  const body = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: configDigest, size: config.length },
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(body));
  const descriptor = { mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length };
  return { names: saved.RepoTags, manifest: { descriptor, bytes } };
}

/** A layer as it is, after its unpacked content was compared with what the configuration promises. */
async function readLayer(
  file: ArchiveFile,
  name: string,
  diffId: string,
  blobs: Map<Digest, TarEntry>,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const entry = file.find(name);
  if (entry === undefined) throw invalid(file, `no ${name}`);
  const packed = createHash('sha256');
  const [start] = [await firstBytes(file, entry)];
  const isGzip = sniffCompression(start) === 'gzip';
  let unpacked = packed;
  const tee = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.read(entry, 0, signal)) {
      packed.update(chunk);
      yield chunk;
    }
  };
  if (isGzip) {
    unpacked = createHash('sha256');
    await hashUnpacked(file, tee(), unpacked);
  } else {
    for await (const _ of tee());
  }
  const digest: Digest = `sha256:${packed.digest('hex')}`;
  const actual = isGzip ? `sha256:${unpacked.digest('hex')}` : digest;
  if (actual !== diffId) throw digestFault(diffId as Digest, actual, `${name} in ${file.path}`);
  blobs.set(digest, entry);
  return { mediaType: isGzip ? mediaTypes.layerGzip : mediaTypes.layerTar, digest, size: entry.size };
}

async function hashUnpacked(
  file: ArchiveFile,
  packed: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): Promise<void> {
  try {
    for await (const chunk of gunzip(packed, largestUnpacked, file.path)) hash.update(chunk);
  } catch (error) {
    if (!hasCode(error, 'CONTENT_INVALID')) throw error;
    throw invalid(
      file,
      `a layer that is or unpacks to ${error.actual ?? 'something else'}`,
      undefined,
      error,
    );
  }
}

async function firstBytes(file: ArchiveFile, { offset, size }: TarEntry): Promise<Uint8Array> {
  for await (const chunk of file.read({ offset, size: Math.min(size, 4) })) return chunk;
  return new Uint8Array();
}

function readDiffIds(file: ArchiveFile, config: Buffer): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(config.toString('utf8'));
  } catch (error) {
    throw invalid(file, 'a configuration that is not JSON', undefined, error);
  }
  const { rootfs } = (value ?? {}) as { rootfs?: { diff_ids?: unknown } };
  const diffIds = rootfs?.diff_ids;
  return isTextList(diffIds) ? diffIds : [];
}

function tagOf(name: string): string | undefined {
  const parsed = parseImageReference(name);
  return 'value' in parsed ? parsed.value.tag : undefined;
}

function canonical(name: string): string | undefined {
  const parsed = parseImageReference(name);
  return 'value' in parsed ? formatImageReference(parsed.value) : undefined;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}

function invalid(file: ArchiveFile, actual: string, next?: string, cause?: unknown): Fault {
  return new Fault('FILE_INVALID', {
    what: `${file.path} is not what docker save writes`,
    where: file.path,
    actual,
    ...(next !== undefined && { next }),
    ...(cause !== undefined && { cause }),
  });
}

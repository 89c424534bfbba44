import { createHash } from 'node:crypto';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { formatImageReference, parseImageReference } from '../../../model/image-reference.ts';
import { largestManifestRead } from '../content.ts';
import { gunzip } from '../gunzip.ts';
import type { Manifest, TagOrDigest } from '../registry.ts';
import { digestFault, digestOf } from '../verified.ts';
import { ArchiveFile, sniffCompression } from './archive-file.ts';
import { ArchiveRegistry } from './archive-registry.ts';
import type { TarEntry } from './tar-index.ts';

interface SavedImage {
  readonly names: readonly string[];
  readonly manifest: Manifest;
}

const largestUnpacked = 64 * 1024 ** 3;
const mostImages = 1000;

/** What was done for an archive: each of its files once, and no more than so much in all. */
interface Work {
  readonly blobs: Map<Digest, TarEntry>;
  readonly layers: Map<TarEntry, ReadLayer>;
  /** Bytes that may still be unpacked or read. */
  left: number;
}

interface ReadLayer {
  readonly descriptor: Descriptor;
  readonly unpacked: Digest;
}

/**
 * What `docker save` writes. It has no manifests, so one is made for each image from its configuration and its
 * layers as they are; the configuration's own list of layer digests proves that they belong together.
 */
export class DockerArchive extends ArchiveRegistry {
  readonly images: readonly SavedImage[];
  readonly #blobs: ReadonlyMap<Digest, TarEntry>;

  private constructor(
    file: ArchiveFile,
    images: readonly SavedImage[],
    blobs: ReadonlyMap<Digest, TarEntry>,
  ) {
    super('docker-archive', file);
    this.images = images;
    this.#blobs = blobs;
  }

  static async open(path: string, signal?: AbortSignal): Promise<DockerArchive> {
    const file = await ArchiveFile.open(path);
    const work: Work = { blobs: new Map(), layers: new Map(), left: largestUnpacked };
    const images: SavedImage[] = [];
    for (const saved of await readSavedList(file)) images.push(await readImage(file, saved, work, signal));
    return new DockerArchive(file, images, work.blobs);
  }

  protected findManifest(reference: TagOrDigest): Promise<Manifest | undefined> {
    return Promise.resolve(this.#find(reference)?.manifest);
  }

  protected findBlob(digest: Digest): TarEntry | undefined {
    return this.#blobs.get(digest);
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
  if (list.length > mostImages) throw invalid(file, `more than ${mostImages} images`);
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
  work: Work,
  signal: AbortSignal | undefined,
): Promise<SavedImage> {
  const configEntry = file.find(saved.Config);
  const config = await file.readSmall(saved.Config, largestManifestRead);
  if (config === undefined || configEntry === undefined) throw invalid(file, `no ${saved.Config}`);
  spend(file, work, config.length);
  const diffIds = readDiffIds(file, config);
  if (diffIds.length !== saved.Layers.length)
    throw invalid(file, `${saved.Layers.length} layers for ${diffIds.length} in the configuration`);
  const configDigest = digestOf(config);
  work.blobs.set(configDigest, configEntry);
  const layers: Descriptor[] = [];
  for (const [at, name] of saved.Layers.entries()) {
    layers.push(await readLayer(file, name, diffIds[at] ?? '', work, signal));
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
  work: Work,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const entry = file.find(name);
  if (entry === undefined) throw invalid(file, `no ${name}`);
  // A thousand images can name one layer; it is unpacked once.
  const layer = work.layers.get(entry) ?? (await digestLayer(file, entry, work, signal));
  work.layers.set(entry, layer);
  if (layer.unpacked !== diffId)
    throw digestFault(diffId as Digest, layer.unpacked, `${name} in ${file.path}`);
  work.blobs.set(layer.descriptor.digest, entry);
  return layer.descriptor;
}

async function digestLayer(
  file: ArchiveFile,
  entry: TarEntry,
  work: Work,
  signal: AbortSignal | undefined,
): Promise<ReadLayer> {
  const packed = createHash('sha256');
  const isGzip = sniffCompression(await firstBytes(file, entry)) === 'gzip';
  const tee = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.read(entry, 0, signal)) {
      spend(file, work, chunk.length);
      packed.update(chunk);
      yield chunk;
    }
  };
  let unpacked: Digest | undefined;
  if (isGzip) unpacked = await digestUnpacked(file, tee(), work);
  else for await (const _ of tee());
  const digest: Digest = `sha256:${packed.digest('hex')}`;
  const mediaType = isGzip ? mediaTypes.layerGzip : mediaTypes.layerTar;
  return { descriptor: { mediaType, digest, size: entry.size }, unpacked: unpacked ?? digest };
}

async function digestUnpacked(
  file: ArchiveFile,
  packed: AsyncIterable<Uint8Array>,
  work: Work,
): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of gunzip(packed, work.left, file.path)) {
      hash.update(chunk);
      spend(file, work, chunk.length);
    }
  } catch (error) {
    if (!hasCode(error, 'CONTENT_INVALID')) throw error;
    throw invalid(
      file,
      `a layer that is or unpacks to ${error.actual ?? 'something else'}`,
      undefined,
      error,
    );
  }
  return `sha256:${hash.digest('hex')}`;
}

function spend(file: ArchiveFile, work: Work, bytes: number): void {
  work.left -= bytes;
  if (work.left >= 0) return;
  throw new Fault('LIMIT_EXCEEDED', {
    what: `${file.path} unpacks to more than cg is willing to read`,
    where: file.path,
    expected: `at most ${largestUnpacked} bytes in all`,
  });
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

import { hasCode } from '../ground/fault/fault.ts';
import { type ImageManifest, parseContent } from '../image/oci/content.ts';
import { type ImageSummary, summariseConfig } from '../image/oci/image-config.ts';
import { formatLocation } from '../image/oci/location.ts';
import { deepestNesting, Visited } from '../image/oci/manifest-graph.ts';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import { imagePlatform } from '../image/oci/platform.ts';
import { artifactTypeOf } from '../image/oci/referrer-index.ts';
import type { Call, Manifest, Registry } from '../image/oci/registry.ts';
import { collect } from '../image/oci/verified.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { formatPlatform } from '../model/descriptor.ts';
import { findEntry } from './choose-image.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export type { ImageSummary } from '../image/oci/image-config.ts';

export interface InspectImageOptions extends ReachOptions {
  readonly image: string;
  readonly platform?: string;
  /** Also what refers to the image; yes unless said otherwise. */
  readonly referrers?: boolean;
}

export interface InspectedContent {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of an index: its images, and what else it holds. */
  readonly children?: readonly InspectedContent[];
  /** Of an image: what its configuration says. */
  readonly image?: ImageSummary;
  readonly layers?: readonly InspectedBlob[];
  /** All blobs together, as they travel. */
  readonly compressedSize?: number;
  readonly referrers?: readonly InspectedContent[];
  /** Why nothing more is known of it. */
  readonly problem?: string;
}

export interface InspectedBlob {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface InspectedImage extends InspectedContent {
  readonly reference: string;
}

const largestConfig = 8 * 1024 * 1024;

/** Everything about an image as one tree: platforms, configurations, layers, and whatever refers to any of it. */
export async function inspectImage(o: InspectImageOptions): Promise<InspectedImage> {
  const image = toLocation(o.image);
  return await reachRegistries(o, registriesOf(image), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry, reference, location } = await open(image, access, call);
    const inspection = new Inspection(registry, o.referrers !== false, call);
    const root = await registry.manifest(reference, call);
    const chosen = o.platform === undefined ? root : await inspection.choose(root, o.platform);
    return { reference: formatLocation(location), ...(await inspection.inspect(chosen, 0)) };
  });
}

class Inspection {
  readonly #registry: Registry;
  readonly #withReferrers: boolean;
  readonly #call: Call;
  readonly #visited: Visited;

  constructor(registry: Registry, withReferrers: boolean, call: Call) {
    this.#registry = registry;
    this.#withReferrers = withReferrers;
    this.#call = call;
    this.#visited = new Visited(registry.place);
  }

  async choose(root: Manifest, platform: string): Promise<Manifest> {
    const content = parseContent(root);
    if (content.kind !== 'index') return root;
    return await this.#registry.manifest(
      findEntry(this.#registry, content.manifests, platform).digest,
      this.#call,
    );
  }

  async inspect(manifest: Manifest, depth: number, entry?: Descriptor): Promise<InspectedContent> {
    const isNew = this.#visited.enter(manifest.descriptor, depth);
    const content = parseContent(manifest);
    const artifactType = artifactTypeOf(content);
    const platform = entry === undefined ? undefined : imagePlatform(entry);
    const annotations = { ...entry?.annotations, ...content.annotations };
    const head: InspectedContent = {
      digest: manifest.descriptor.digest,
      mediaType: manifest.descriptor.mediaType,
      size: manifest.descriptor.size,
      ...(artifactType !== undefined && { artifactType }),
      ...(platform !== undefined && { platform: formatPlatform(platform) }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
    // What was shown before is not shown again: circles end here.
    if (!isNew) return head;
    const body =
      content.kind === 'index' ? await this.#children(content.manifests, depth) : await this.#image(content);
    const referrers = this.#withReferrers ? await this.#referrers(manifest, depth) : [];
    return { ...head, ...body, ...(referrers.length > 0 && { referrers }) };
  }

  async #children(
    entries: readonly Descriptor[],
    depth: number,
  ): Promise<Pick<InspectedContent, 'children'>> {
    const children: InspectedContent[] = [];
    for (const entry of entries) {
      // What was shown before is named, and not read again: an index can name one child ten thousand times.
      if (this.#visited.has(entry.digest)) {
        children.push({ digest: entry.digest, mediaType: entry.mediaType, size: entry.size });
        continue;
      }
      children.push(
        await this.inspect(await this.#registry.manifest(entry.digest, this.#call), depth + 1, entry),
      );
    }
    return { children };
  }

  async #image({ config, layers }: ImageManifest): Promise<Partial<InspectedContent>> {
    const compressedSize = layers.reduce((sum, { size }) => sum + size, config.size);
    const image = await this.#configuration(config);
    return { ...(image !== undefined && { image }), layers: layers.map(toBlob), compressedSize };
  }

  async #configuration(config: Descriptor): Promise<ImageSummary | undefined> {
    if (!/image\.config|container\.image/.test(config.mediaType) || config.size > largestConfig)
      return undefined;
    this.#visited.count(config.size);
    return summariseConfig(await collect(this.#registry.blob(config, this.#call)), config.digest);
  }

  async #referrers({ descriptor }: Manifest, depth: number): Promise<InspectedContent[]> {
    if (depth >= deepestNesting) return [];
    const found: InspectedContent[] = [];
    const entries = await this.#registry.referrers(descriptor.digest, this.#call);
    this.#visited.countList(entries);
    for (const entry of entries) {
      found.push(...(await this.#referrer(descriptor, entry, depth)));
    }
    return found;
  }

  /** A list can lie; the manifest itself says what it refers to. A broken one never hides the others. */
  async #referrer(subject: Descriptor, entry: Descriptor, depth: number): Promise<InspectedContent[]> {
    const { digest, mediaType, size } = entry;
    try {
      const manifest = await this.#registry.manifest(digest, this.#call);
      if (parseContent(manifest).subject?.digest !== subject.digest) return [];
      return [await this.inspect(manifest, depth + 1)];
    } catch (error) {
      if (!hasCode(error, 'CONTENT_INVALID', 'UNSUPPORTED', 'NOT_FOUND')) throw error;
      return [{ digest, mediaType, size, problem: error.message }];
    }
  }
}

function toBlob({ digest, mediaType, size, annotations }: Descriptor): InspectedBlob {
  return { digest, mediaType, size, ...(annotations !== undefined && { annotations }) };
}

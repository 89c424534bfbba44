import { Fault } from '../../../ground/fault/fault.ts';
import { inParallel } from '../../../ground/process/in-parallel.ts';
import type { Descriptor, Platform } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { mergeLegacyLayers } from '../legacy-evidence.ts';
import type { GraphNode } from '../manifest-graph.ts';
import type { Manifest, Pushed, Registry, TagOrDigest } from '../registry.ts';
import { RemoteRegistry } from '../remote/remote.ts';
import { observed } from '../verified.ts';
import { collectGraph, type ImageGraph } from './collect-graph.ts';
import { orderByHeight } from './order.ts';

const transfersAtOnce = 6;

export type CopyEvent =
  | { readonly kind: 'planned'; readonly manifests: number; readonly blobs: number; readonly bytes: number }
  | { readonly kind: 'transferred'; readonly digest: Digest; readonly bytes: number }
  | { readonly kind: 'blob'; readonly descriptor: Descriptor; readonly outcome: Pushed['outcome'] }
  | { readonly kind: 'manifest'; readonly descriptor: Descriptor; readonly outcome: Pushed['outcome'] }
  | { readonly kind: 'tagged'; readonly tag: string; readonly digest: Digest };

export interface CopyRequest {
  readonly from: Registry;
  readonly reference: TagOrDigest;
  readonly to: Registry;
  /** Set last, when everything else is there; none means that the image is stored by its digest. */
  readonly tags: readonly string[];
  /** What the image must turn out to be; anything else is refused before the target changes. */
  readonly expected?: Digest;
  /** Only this platform; without it everything. */
  readonly platform?: Platform;
  /** Signatures, attestations and whatever else refers to the image; yes unless said otherwise. */
  readonly evidence?: boolean;
  /** May refuse: the source before anything is written, the target before a tag is set. */
  readonly gate?: CopyGate;
  readonly onProgress?: (event: CopyEvent) => void;
  readonly signal?: AbortSignal;
}

export interface CopyGate {
  source(root: Manifest): Promise<void>;
  target(root: Manifest): Promise<void>;
}

export interface CopyResult {
  readonly root: Descriptor;
  readonly tags: readonly string[];
  readonly manifests: Readonly<Record<Pushed['outcome'], number>>;
  readonly blobs: Readonly<Record<Pushed['outcome'], number>>;
  readonly bytesSent: number;
  /** How many manifests of evidence came along. */
  readonly evidence: number;
  /** Tags of attached files (.sbom) that the target has with other content; they were left alone. */
  readonly conflicts: readonly string[];
  readonly strays: readonly Descriptor[];
}

/** Copies an image and what refers to it, byte for byte: blobs, then manifests from the leaves up, then the tag. */
export async function copyImage(request: CopyRequest): Promise<CopyResult> {
  const { from, reference, signal } = request;
  const graph = await collectGraph(from, reference, {
    ...(signal !== undefined && { signal }),
    ...(request.platform !== undefined && { platform: request.platform }),
    ...(request.evidence !== undefined && { evidence: request.evidence }),
  });
  checkExpected(request, graph.root.descriptor);
  await request.gate?.source(graph.root);
  const copy = new Copy(request, graph);
  await copy.pushBlobs(await copy.findMissing());
  await copy.pushManifests();
  const conflicts = await copy.pushLegacy();
  await request.gate?.target(graph.root);
  await copy.tag();
  return {
    ...copy.counts,
    root: graph.root.descriptor,
    tags: request.tags,
    evidence: graph.evidence.length + graph.legacy.length,
    conflicts,
    strays: graph.strays,
  };
}

function checkExpected({ expected, from, to }: CopyRequest, { digest }: Descriptor): void {
  if (expected === undefined || expected === digest) return;
  throw new Fault('USAGE', {
    what: `the target names another digest than the image in ${from.place}; nothing was copied`,
    where: `${to.place}@${expected}`,
    expected,
    actual: digest,
    next: 'name the target by a tag, or by the digest of the source',
  });
}

class Copy {
  readonly counts = {
    manifests: { uploaded: 0, mounted: 0, present: 0 },
    blobs: { uploaded: 0, mounted: 0, present: 0 },
    bytesSent: 0,
  };
  readonly #request: CopyRequest;
  readonly #graph: ImageGraph;
  readonly #nodes: readonly GraphNode[];
  readonly #present = new Set<Digest>();
  readonly #call: { readonly signal?: AbortSignal };

  constructor(request: CopyRequest, graph: ImageGraph) {
    this.#request = request;
    this.#graph = graph;
    this.#nodes = [...graph.image, ...graph.evidence, ...graph.legacy.map(({ node }) => node)];
    this.#call = request.signal === undefined ? {} : { signal: request.signal };
  }

  /**
   * A manifest that a registry has vouches for its blobs, so an interrupted copy goes on where it stopped. A folder
   * vouches for nothing: anybody can have put anything there, so each of its blobs is looked at.
   */
  async findMissing(): Promise<readonly Descriptor[]> {
    const { to } = this.#request;
    await inParallel(this.#nodes, transfersAtOnce, async ({ descriptor }) => {
      if ((await to.head(descriptor.digest, this.#call)) !== undefined) this.#present.add(descriptor.digest);
    });
    const doubtful = this.#nodes.filter(
      ({ descriptor }) => !(to instanceof RemoteRegistry) || !this.#present.has(descriptor.digest),
    );
    const blobs = new Map(doubtful.flatMap(blobsOf).map(blob => [blob.digest, blob]));
    const list = [...blobs.values()];
    const bytes = list.reduce((sum, { size }) => sum + size, 0);
    this.#tell({ kind: 'planned', manifests: this.#nodes.length, blobs: list.length, bytes });
    return list;
  }

  async pushBlobs(blobs: readonly Descriptor[]): Promise<void> {
    const { from, to } = this.#request;
    const mountFrom = commonRegistry(from, to);
    await inParallel(blobs, transfersAtOnce, async descriptor => {
      const { outcome } = await to.push(
        {
          kind: 'blob',
          descriptor,
          open: offset => this.#count(descriptor, from.blob(descriptor, { ...this.#call, offset })),
          ...(mountFrom !== undefined && { mountFrom }),
        },
        this.#call,
      );
      this.counts.blobs[outcome]++;
      this.#tell({ kind: 'blob', descriptor, outcome });
    });
  }

  async pushManifests(): Promise<void> {
    for (const level of orderByHeight([...this.#graph.image, ...this.#graph.evidence])) {
      await inParallel(level, transfersAtOnce, node => this.#pushManifest(node, []));
    }
  }

  /** Evidence in the old form joins what the target has; an attached file that differs is not ours to replace. */
  async pushLegacy(): Promise<readonly string[]> {
    const { to } = this.#request;
    const conflicts: string[] = [];
    for (const { tag, node } of this.#graph.legacy) {
      const { content, descriptor, bytes } = node;
      if (/\.(?:sig|att)$/.test(tag) && content.kind === 'manifest') {
        const whole = { descriptor, bytes };
        const isChanged = await mergeLegacyLayers(to, tag, content.layers, { ...this.#call, whole });
        this.#countManifest(node, isChanged ? 'uploaded' : 'present');
        continue;
      }
      const there = await to.head(tag, this.#call);
      if (there === undefined) await this.#pushManifest(node, [tag]);
      else if (there.digest !== descriptor.digest) conflicts.push(tag);
    }
    return conflicts;
  }

  async tag(): Promise<void> {
    const { to, tags } = this.#request;
    if (tags.length === 0) return;
    const { root } = this.#graph;
    await to.push({ kind: 'manifest', ...root, tags }, this.#call);
    for (const tag of tags) {
      const digest = (await to.head(tag, this.#call))?.digest;
      if (digest !== root.descriptor.digest) throw notTagged(to, tag, root.descriptor.digest, digest);
      this.#tell({ kind: 'tagged', tag, digest });
    }
  }

  async #pushManifest(node: GraphNode, tags: readonly string[]): Promise<void> {
    // What refers to something is pushed even when it is there: its entry in the subject's list may be missing.
    const isDone =
      this.#present.has(node.descriptor.digest) && node.content.subject === undefined && tags.length === 0;
    if (!isDone) {
      const { descriptor, bytes } = node;
      await this.#request.to.push({ kind: 'manifest', descriptor, bytes, tags }, this.#call);
    }
    this.#countManifest(node, this.#present.has(node.descriptor.digest) ? 'present' : 'uploaded');
  }

  #countManifest(node: GraphNode, outcome: 'present' | 'uploaded'): void {
    this.counts.manifests[outcome]++;
    this.#tell({ kind: 'manifest', descriptor: node.descriptor, outcome });
  }

  #count({ digest }: Descriptor, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return observed(source, bytes => {
      this.counts.bytesSent += bytes;
      this.#tell({ kind: 'transferred', digest, bytes });
    });
  }

  #tell(event: CopyEvent): void {
    this.#request.onProgress?.(event);
  }
}

/** Blobs that lie elsewhere (foreign layers with URLs) are not part of the registry's content. */
function blobsOf({ content }: GraphNode): Descriptor[] {
  if (content.kind === 'index') return [];
  return [content.config, ...content.layers].filter(
    ({ urls, mediaType }) => urls === undefined || !/foreign|nondistributable/.test(mediaType),
  );
}

function commonRegistry(from: Registry, to: Registry): string | undefined {
  const areRemote = from instanceof RemoteRegistry && to instanceof RemoteRegistry;
  return areRemote && from.session === to.session && from.repository !== to.repository
    ? from.repository
    : undefined;
}

function notTagged(to: Registry, tag: string, expected: Digest, actual: Digest | undefined): Fault {
  return new Fault('REFUSED', {
    what: `${to.place}:${tag} does not name the image that was just pushed there`,
    where: `${to.place}:${tag}`,
    expected,
    actual: actual ?? 'nothing',
    next: 'somebody else may have moved the tag; run the command again',
  });
}

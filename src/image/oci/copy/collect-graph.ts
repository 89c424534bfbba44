import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { inParallel } from '../../../ground/process/in-parallel.ts';
import { type Descriptor, formatPlatform, type Platform } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { parseContent } from '../content.ts';
import { type GraphNode, Visited, walkManifests } from '../manifest-graph.ts';
import { findPlatform, platformsOf } from '../platform.ts';
import { fallbackTag } from '../referrer-index.ts';
import type { Call, Manifest, Registry, TagOrDigest } from '../registry.ts';

const lookupsAtOnce = 6;
/** Where cosign kept evidence before there were referrers. */
const legacySuffixes = ['.sig', '.att', '.sbom'] as const;

export interface ImageGraph {
  readonly root: Manifest;
  /** The image: parents before children. */
  readonly image: readonly GraphNode[];
  /** Whatever refers to it or to a part of it, and to that in turn. */
  readonly evidence: readonly GraphNode[];
  readonly legacy: readonly { readonly tag: string; readonly node: GraphNode }[];
  /** Listed as a referrer, but missing, unreadable, or by its own content something else. */
  readonly strays: readonly Descriptor[];
}

export interface GraphOptions extends Call {
  readonly platform?: Platform;
  readonly evidence?: boolean;
}

/** Reads all manifests of an image, bounded in depth, number and size. No blob is opened. */
export async function collectGraph(
  from: Registry,
  reference: TagOrDigest,
  o: GraphOptions = {},
): Promise<ImageGraph> {
  const root = await choosePlatform(from, await from.manifest(reference, o), o);
  const walk = new Walk(from, o);
  const image = await walk.collect(root);
  if (o.evidence === false) return { root, image, evidence: [], legacy: [], strays: [] };
  const evidence = await walk.collectReferrers(image);
  const legacy = await walk.collectLegacy(image);
  return { root, image, evidence, legacy, strays: walk.strays };
}

/** One platform of an index is the manifest itself: an index must not lack children. */
async function choosePlatform(from: Registry, root: Manifest, o: GraphOptions): Promise<Manifest> {
  const content = parseContent(root);
  if (o.platform === undefined || content.kind !== 'index') return root;
  const found = findPlatform(content.manifests, o.platform);
  if (found !== undefined) return await from.manifest(found.digest, o);
  const offered = platformsOf(content.manifests);
  throw new Fault('NOT_FOUND', {
    what: `${from.place} has no image for ${formatPlatform(o.platform)}`,
    where: `${from.place}@${root.descriptor.digest}`,
    expected: formatPlatform(o.platform),
    actual: offered.join(', ') || 'no platforms',
    next:
      offered.length === 0 ? 'leave --platform out' : `name one of these platforms: ${offered.join(', ')}`,
  });
}

class Walk {
  readonly strays: Descriptor[] = [];
  readonly #from: Registry;
  readonly #o: GraphOptions;
  readonly #visited: Visited;

  constructor(from: Registry, o: GraphOptions) {
    this.#from = from;
    this.#o = o;
    this.#visited = new Visited(from.place);
  }

  async collect(root: Manifest): Promise<GraphNode[]> {
    const nodes: GraphNode[] = [];
    const read = async (child: Descriptor): Promise<Manifest> =>
      await this.#from.manifest(child.digest, this.#o);
    for await (const node of walkManifests(root, { where: this.#from.place, visited: this.#visited, read })) {
      nodes.push(node);
    }
    return nodes;
  }

  /** Referrers of referrers are found in rounds: a signature of an SBOM of a platform of the image. */
  async collectReferrers(image: readonly GraphNode[]): Promise<GraphNode[]> {
    const found: GraphNode[] = [];
    let round: readonly GraphNode[] = image;
    for (let depth = 0; round.length > 0; depth++) {
      const lists = await inParallel(round, lookupsAtOnce, async ({ descriptor }) => ({
        subject: descriptor.digest,
        entries: await this.#from.referrers(descriptor.digest, this.#o),
      }));
      const next: GraphNode[] = [];
      for (const { subject, entries } of lists) {
        this.#visited.countList(entries);
        for (const entry of entries) next.push(...(await this.#collectReferrer(subject, entry, depth)));
      }
      found.push(...next);
      round = next;
    }
    return found;
  }

  async collectLegacy(image: readonly GraphNode[]): Promise<ImageGraph['legacy']> {
    const tags = image.flatMap(({ descriptor }) =>
      legacySuffixes.map(suffix => fallbackTag(descriptor.digest) + suffix),
    );
    const found = await inParallel(tags, lookupsAtOnce, async tag => {
      const head = await this.#from.head(tag, this.#o);
      return head === undefined ? [] : [{ tag, manifest: await this.#from.manifest(head.digest, this.#o) }];
    });
    const legacy: { tag: string; node: GraphNode }[] = [];
    for (const { tag, manifest } of found.flat()) {
      const [node] = await this.collect(manifest);
      if (node !== undefined) legacy.push({ tag, node });
    }
    return legacy;
  }

  /** A list can lie; the manifest itself says what it refers to. */
  async #collectReferrer(subject: Digest, entry: Descriptor, depth: number): Promise<GraphNode[]> {
    // The depth of the chain counts like that of an index.
    this.#visited.check(depth + 1);
    try {
      const manifest = await this.#from.manifest(entry.digest, this.#o);
      if (parseContent(manifest).subject?.digest === subject) return await this.collect(manifest);
    } catch (error) {
      // One broken or foreign item never hides the others.
      if (!hasCode(error, 'CONTENT_INVALID', 'UNSUPPORTED', 'NOT_FOUND')) throw error;
    }
    this.strays.push(entry);
    return [];
  }
}

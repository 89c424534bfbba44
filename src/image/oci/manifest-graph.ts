import { Fault } from '../../ground/fault/fault.ts';
import type { Descriptor } from '../../model/descriptor.ts';
import { isManifestType } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';
import { type Content, parseContent } from './content.ts';
import type { Manifest } from './registry.ts';

/** An index in an index is legal; deeper nesting than this is made to exhaust readers. */
export const deepestNesting = 8;
export const mostManifests = 10_000;
export const mostManifestBytes = 256 * 1024 * 1024;

export interface GraphNode extends Manifest {
  readonly content: Content;
  readonly depth: number;
}

/** Counts what a walk has seen, each digest once, and stops walks that only serve to exhaust us. */
export class Visited {
  readonly #seen = new Set<Digest>();
  readonly #where: string;
  #bytes = 0;

  constructor(where: string) {
    this.#where = where;
  }

  /** False when it was here before: cycles and shared children end here. */
  enter({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, depth: number): boolean {
    this.check(depth);
    if (this.#seen.has(digest)) return false;
    this.#seen.add(digest);
    if (this.#seen.size > mostManifests) throw this.#exceeded(`more than ${mostManifests} manifests`);
    this.count(size);
    return true;
  }

  has(digest: Digest): boolean {
    return this.#seen.has(digest);
  }

  /** What is read counts, however it is spread: manifests, lists and configurations. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > mostManifestBytes) throw this.#exceeded(`more than ${mostManifestBytes} bytes`);
  }

  /** The same for a list, as large as it was when it was read. */
  countList(entries: readonly Descriptor[]): void {
    for (const entry of entries) this.count(JSON.stringify(entry).length);
  }

  check(depth: number): void {
    if (depth > deepestNesting) throw this.#exceeded(`more than ${deepestNesting} levels`);
  }

  #exceeded(actual: string): Fault {
    return new Fault('LIMIT_EXCEEDED', {
      what: `${this.#where} is nested deeper or wider than any image`,
      where: this.#where,
      actual,
    });
  }
}

/** A manifest and everything below it, parents before children. The caller says which children it wants. */
export async function* walkManifests(
  root: Manifest,
  o: {
    readonly where: string;
    readonly read: (child: Descriptor) => Promise<Manifest | undefined>;
    readonly wants?: (child: Descriptor, parent: GraphNode) => boolean;
    readonly visited?: Visited;
  },
): AsyncGenerator<GraphNode> {
  const visited = o.visited ?? new Visited(o.where);
  const asked = new Set<Digest>();
  // Children wait as descriptors: those of one index together can be larger than any memory.
  const waiting: { child: Descriptor; depth: number }[] = [{ child: root.descriptor, depth: 0 }];
  for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
    const manifest = item.depth === 0 ? root : await o.read(item.child);
    if (manifest === undefined || !visited.enter(manifest.descriptor, item.depth)) continue;
    const node: GraphNode = { ...manifest, content: parseContent(manifest), depth: item.depth };
    yield node;
    if (node.content.kind !== 'index') continue;
    for (const child of node.content.manifests) {
      if (!isManifestType(child.mediaType) || o.wants?.(child, node) === false) continue;
      // An index can name one child ten thousand times; it is read once.
      if (asked.has(child.digest)) continue;
      asked.add(child.digest);
      waiting.push({ child, depth: item.depth + 1 });
    }
  }
}

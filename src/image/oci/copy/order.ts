import type { Digest } from '../../../model/digest.ts';
import type { GraphNode } from '../manifest-graph.ts';

/** Groups manifests so that each comes after all that it names: children, and the subject that it refers to. */
export function orderByHeight(nodes: readonly GraphNode[]): readonly (readonly GraphNode[])[] {
  const byDigest = new Map(nodes.map(node => [node.descriptor.digest, node]));
  const heights = new Map<Digest, number>();
  const measure = (digest: Digest): number => {
    const node = byDigest.get(digest);
    if (node === undefined) return -1;
    const known = heights.get(digest);
    if (known !== undefined) return known;
    // Digests cannot form a circle, but a place that lies could make it look so; this ends the round trip.
    heights.set(digest, 0);
    const height = 1 + Math.max(-1, ...namedBy(node).map(measure));
    heights.set(digest, height);
    return height;
  };
  const levels: GraphNode[][] = [];
  for (const node of byDigest.values()) (levels[measure(node.descriptor.digest)] ??= []).push(node);
  return levels;
}

function namedBy({ content }: GraphNode): Digest[] {
  const children = content.kind === 'index' ? content.manifests.map(({ digest }) => digest) : [];
  return content.subject === undefined ? children : [...children, content.subject.digest];
}

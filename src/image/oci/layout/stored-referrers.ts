import type { Descriptor } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { parseContent } from '../content.ts';
import { Visited, walkManifests } from '../manifest-graph.ts';
import { describeReferrer, fallbackTag, mergeDescriptors, readReferrerIndex } from '../referrer-index.ts';
import type { Manifest } from '../registry.ts';
import { findEntry, isManifestEntry, type LayoutIndex } from './layout-index.ts';

type Read = (digest: Digest) => Promise<Manifest | undefined>;

/** What the subject of each manifest is, for one state of an index; folders have no list of their own. */
const scanned = new WeakMap<readonly Descriptor[], Map<Digest, Descriptor[]>>();

/** Finds referrers the way oras does: by reading every manifest that the index leads to. */
export async function findReferrers(
  subject: Digest,
  index: LayoutIndex,
  where: string,
  read: Read,
): Promise<readonly Descriptor[]> {
  const bySubject = scanned.get(index.entries) ?? (await scan(index, where, read));
  scanned.set(index.entries, bySubject);
  const fallback = findEntry(index, fallbackTag(subject));
  const manifest = fallback === undefined ? undefined : await read(fallback.digest);
  return mergeDescriptors(bySubject.get(subject) ?? [], readable(manifest, where));
}

async function scan(index: LayoutIndex, where: string, read: Read): Promise<Map<Digest, Descriptor[]>> {
  const bySubject = new Map<Digest, Descriptor[]>();
  const visited = new Visited(where);
  const readWhole = async (digest: Digest): Promise<Manifest | undefined> => {
    const manifest = await read(digest);
    return manifest !== undefined && isReadable(manifest) ? manifest : undefined;
  };
  for (const entry of index.entries.filter(isManifestEntry)) {
    const root = await readWhole(entry.digest);
    if (root === undefined) continue;
    for await (const node of walkManifests(root, {
      where,
      visited,
      read: child => readWhole(child.digest),
    })) {
      const subject = node.content.subject?.digest;
      if (subject === undefined) continue;
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), describeReferrer(node)]);
    }
  }
  return bySubject;
}

function readable(manifest: Manifest | undefined, where: string): readonly Descriptor[] {
  try {
    return readReferrerIndex(manifest, where);
  } catch {
    return [];
  }
}

/** One broken manifest must not hide what refers to the others. */
function isReadable(manifest: Manifest): boolean {
  try {
    parseContent(manifest);
    return true;
  } catch {
    return false;
  }
}

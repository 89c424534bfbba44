import type { TagRecord } from './state/image-state.ts';

/** Names that are no release: branches, candidates, builds. */
const passing: readonly RegExp[] = [
  /^(latest|edge|nightly|testing|canary|dev|devel|main|master|unstable|rolling|next|snapshot)$/i,
  /(^|[-._])(rc|alpha|beta|dev|test|pre|preview|snapshot)([-._]?\d+)*($|[-._+])/i,
  /\d(rc|a|b|alpha|beta|dev|pre)\d+($|[-._+])/i,
  /^(pr-\d+|sha-[0-9a-f]+|sha256[-:].*|[0-9a-f]{40}|[0-9a-f]{64})$/i,
];

export function isStableTag(tag: string): boolean {
  return !passing.some(pattern => pattern.test(tag));
}

/** Releases of the major version that is enrolled; a tag that is no version says nothing about others. */
export function isInScope(tag: string, enrolled: string, scope: 'same-major' | 'all'): boolean {
  const major = majorOf(enrolled);
  return scope === 'all' || major === undefined || majorOf(tag) === major;
}

function majorOf(tag: string): string | undefined {
  return /^v?(\d+)(?:\.\d+)*(?:[-._+]|$)/i.exec(tag)?.[1];
}

export interface SeenTags {
  readonly tags: Readonly<Record<string, TagRecord>>;
  readonly fresh: readonly string[];
}

/** What a list of tags adds to those that are known; the first list ever is only what later ones are compared with. */
export function mergeTags(
  known: Readonly<Record<string, TagRecord>>,
  listed: readonly string[],
  now: string,
  digests: ReadonlyMap<string, string>,
): SeenTags {
  const present = new Set(listed);
  const kept = Object.entries(known).map(([tag, record]) => {
    if (!present.has(tag)) return [tag, { ...record, lastSeen: record.lastSeen ?? now }] as const;
    const { lastSeen: _gone, ...back } = record;
    const digest = digests.get(tag) ?? record.digest;
    return [
      tag,
      {
        ...back,
        ...(digest !== undefined && { digest }),
        ...(record.digest !== undefined && digest !== record.digest && { previousDigest: record.digest }),
      },
    ] as const;
  });
  const fresh = listed.filter(tag => !Object.hasOwn(known, tag));
  const added = fresh.map(tag => {
    const digest = digests.get(tag);
    return [tag, { firstSeen: now, ...(digest !== undefined && { digest }) }] as const;
  });
  return { tags: Object.fromEntries([...kept, ...added]), fresh };
}

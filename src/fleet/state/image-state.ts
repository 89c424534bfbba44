import type { BaseMention, BaseUse, EnrolledImage } from '../enrolment.ts';
import { asMap, type StateFile, type StateValue } from './state-file.ts';

export interface ImageRecord {
  /** What its Dockerfile stood on when it could last be read. */
  readonly uses: readonly BaseUse[];
  readonly lastBuilt?: string;
  readonly currentDigest?: string;
  /** By stem of a base or name of an image: what it was last built from. */
  readonly builtFrom: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, TagRecord>>;
  /** Whether its tags were looked at before; the first look is what later ones are compared with. */
  readonly hasTags: boolean;
  readonly lastChecked?: string;
}

export interface TagRecord {
  readonly digest?: string;
  readonly firstSeen: string;
  readonly lastSeen?: string;
  readonly previousDigest?: string;
}

export function readImageState(
  file: StateFile,
  identityOfStem: (stem: string) => string | undefined,
): ImageRecord {
  const lastBuilt = file.textOf('lastBuilt');
  const currentDigest = file.textOf('currentDigest');
  const lastChecked = file.textOf('lastChecked');
  return {
    uses: readUses(file, identityOfStem),
    ...(lastBuilt !== undefined && { lastBuilt }),
    ...(currentDigest !== undefined && { currentDigest }),
    ...(lastChecked !== undefined && { lastChecked }),
    builtFrom: Object.fromEntries(
      Object.entries(file.mapOf('builtFrom')).flatMap(([base, digest]) =>
        typeof digest === 'string' ? [[base, digest] as const] : [],
      ),
    ),
    tags: readTags(file),
    hasTags: file.value['upstreamTags'] !== undefined,
  };
}

function readUses(file: StateFile, identityOfStem: (stem: string) => string | undefined): BaseUse[] {
  const uses = new Map<string, BaseUse & { mentions: BaseMention[] }>();
  for (const { ref, base, kind, line, pinned } of file.listOf('bases')) {
    if (typeof ref !== 'string' || typeof base !== 'string') continue;
    const identity = identityOfStem(base);
    if (identity === undefined) continue;
    const use = uses.get(identity) ?? { identity, stem: base, mentions: [] };
    use.mentions.push({
      ref,
      kind: isKind(kind) ? kind : 'base',
      line: Number(line ?? 0) || 0,
      isPinnable: false,
      ...(typeof pinned === 'string' && { pinned }),
    });
    uses.set(identity, use);
  }
  return [...uses.values()];
}

function isKind(kind: unknown): kind is BaseMention['kind'] {
  return typeof kind === 'string' && ['base', 'build', 'copy', 'mount', 'frontend'].includes(kind);
}

/** A mapping, or the list that older files have. */
function readTags(file: StateFile): Record<string, TagRecord> {
  const listed = file
    .listOf('upstreamTags')
    .flatMap(entry => (typeof entry['name'] === 'string' ? [[entry['name'], entry] as const] : []));
  const named = file.textsOf('upstreamTags').map(name => [name, {}] as const);
  const all = [...named, ...listed, ...Object.entries(file.mapOf('upstreamTags'))];
  return Object.fromEntries(
    all.map(([tag, value]) => {
      const { digest, firstSeen, lastSeen, previousDigest } = asMap(value);
      return [
        tag,
        {
          firstSeen: textOr(firstSeen, ''),
          ...(typeof digest === 'string' && { digest }),
          ...(typeof lastSeen === 'string' && { lastSeen }),
          ...(typeof previousDigest === 'string' && { previousDigest }),
        },
      ];
    }),
  );
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

export interface ImageNews {
  readonly image: EnrolledImage;
  readonly now: string;
  readonly uses: readonly BaseUse[];
  readonly discovery: 'ok' | 'pending' | 'external' | 'error';
}

/** Writes what is known of an image; a file that says it already is left alone. */
export function writeImageState(file: StateFile, { image, now, uses, discovery }: ImageNews): void {
  file.set('name', image.name);
  if (file.isNew) {
    file.set('enrolledAt', now);
    file.set('lastChecked', now);
  }
  file.set('registry', image.registry);
  file.set('image', image.repository);
  file.set('tag', image.tag);
  file.set('dockerfile', image.dockerfile);
  file.set(
    'baseImages',
    uses.map(({ stem }) => stem),
  );
  file.set('bases', uses.flatMap(toEntries));
  file.set('discoveryStatus', discovery);
  file.set('enrollment', image.enrollment as { readonly [key: string]: StateValue });
  if (file.isNew) {
    file.set('currentVersion', null);
    file.set('currentDigest', null);
    file.set('lastBuilt', null);
  }
  if (file.isChanged) file.set('lastChecked', now);
}

function toEntries({ stem, mentions }: BaseUse): { readonly [key: string]: StateValue | undefined }[] {
  return mentions.map(({ ref, kind, line, pinned }) => ({
    ref: ref.split('@')[0],
    base: stem,
    kind,
    line,
    pinned,
  }));
}

export function writeTags(file: StateFile, tags: Readonly<Record<string, TagRecord>>, now: string): void {
  const names = Object.keys(tags).toSorted(naturalOrder);
  file.set('upstreamTags', Object.fromEntries(names.map(name => [name, { ...tags[name] }])));
  file.set('checkStatus', undefined);
  file.set('checkError', undefined);
  if (file.isChanged) file.set('lastChecked', now);
}

export function writeCheckError(file: StateFile, reason: string): void {
  file.set('checkStatus', 'error');
  file.set('checkError', reason);
}

export const naturalOrder = new Intl.Collator('en', { numeric: true }).compare;

import type { EnrolledImage } from '../../fleet/enrolment.ts';
import { naturalOrder, readImageState, writeCheckError, writeTags } from '../../fleet/state/image-state.ts';
import type { StateFolder } from '../../fleet/state/state-folder.ts';
import { isInScope, isStableTag, mergeTags } from '../../fleet/tags.ts';
import { Fault } from '../../ground/fault/fault.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { open } from '../../image/oci/open.ts';
import type { Call } from '../../image/oci/registry.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import type { CheckEntry } from './check-result.ts';
import type { ImageView } from './discover-fleet.ts';
import { type Sight, toFailure } from './observe-bases.ts';

interface Checking {
  readonly state: StateFolder;
  readonly now: string;
  readonly access: RegistryAccess;
  readonly call: Call;
  readonly settings: ReadonlyMap<string, unknown>;
}

export interface CheckedTags {
  readonly entries: readonly CheckEntry[];
  readonly checked: number;
  readonly newTags: number;
}

const mostTags = 50_000;

/** Tags of images that others build; those never looked at come first, then those that wait longest. */
export async function checkTags(views: readonly ImageView[], o: Checking): Promise<CheckedTags> {
  const external = views
    .map(({ image }) => image)
    .filter(image => image.enabled && !image.isManaged && image.dockerfile === undefined)
    .map(image => ({ image, lastChecked: o.state.images.get(image.name)?.textOf('lastChecked') ?? '' }))
    .toSorted((a, b) => (a.lastChecked < b.lastChecked ? -1 : a.lastChecked > b.lastChecked ? 1 : 0));
  const limited = new Set<string>();
  const entries: CheckEntry[] = [];
  for (const { image } of external) {
    const host = image.registry ?? 'docker.io';
    if (limited.has(host)) {
      entries.push(failure(image, { code: 'RATE_LIMITED', reason: `${host} takes no more requests now` }));
      continue;
    }
    const entry = await checkImage(image, o);
    if (entry?.status === 'error' && entry.code === 'RATE_LIMITED') limited.add(host);
    if (entry !== undefined) entries.push(entry);
  }
  const newTags = entries.reduce(
    (sum, entry) => sum + (entry.status === 'new-tags' ? entry.new_tags.length : 0),
    0,
  );
  return { entries, checked: external.length, newTags };
}

async function checkImage(image: EnrolledImage, o: Checking): Promise<CheckEntry | undefined> {
  const file = o.state.file('images', image.name);
  file.set('name', image.name);
  if (file.isNew) file.set('enrolledAt', o.now);
  file.set('registry', image.registry);
  file.set('image', image.repository);
  file.set('tag', image.tag);
  file.set('discoveryStatus', 'external');
  const known = readImageState(file, () => undefined);
  try {
    const { tags, digests } = await listTags(image, o);
    if (tags.length === 0 && Object.keys(known.tags).length > 0)
      throw new Fault('PROTOCOL', { what: `${image.repository} lists no tag, and had some before` });
    const merged = mergeTags(known.tags, tags, o.now, digests);
    writeTags(file, merged.tags, o.now);
    if (!known.hasTags) return undefined;
    const scope = o.settings.get('check.tags.scope') === 'all' ? 'all' : 'same-major';
    const fresh = merged.fresh
      .filter(tag => isInScope(tag, image.tag, scope) && !image.knownTags.includes(tag))
      .toSorted(naturalOrder);
    return fresh.length === 0 ? undefined : { image: image.name, status: 'new-tags', new_tags: fresh };
  } catch (error) {
    o.call.signal?.throwIfAborted();
    const failed = (toFailure(error) as Extract<Sight, { error: unknown }>).error;
    writeCheckError(file, failed.reason);
    return failure(image, failed);
  }
}

function failure(image: EnrolledImage, { code, reason }: { code: string; reason: string }): CheckEntry {
  return { image: image.name, status: 'error', reason, code };
}

/** Releases only, and the digest of the tag that is enrolled. */
async function listTags(
  image: EnrolledImage,
  { access, call }: Checking,
): Promise<{ tags: readonly string[]; digests: ReadonlyMap<string, string> }> {
  const parsed = parseImageReference(`${image.registry ?? 'docker.io'}/${image.repository}:${image.tag}`);
  if ('problem' in parsed) throw new Fault('REFERENCE_INVALID', { what: parsed.problem });
  const { registry } = await open(
    `${parsed.value.registry}/${parsed.value.repository}:${image.tag}`,
    access,
    call,
  );
  const tags: string[] = [];
  for await (const tag of registry.tags(call)) {
    if (isStableTag(tag)) tags.push(tag);
    if (tags.length > mostTags)
      throw new Fault('LIMIT_EXCEEDED', { what: `${registry.place} lists more than ${mostTags} tags` });
  }
  if (!tags.includes(image.tag)) return { tags: [...new Set(tags)], digests: new Map() };
  const found = await registry.head(image.tag, call);
  return {
    tags: [...new Set(tags)],
    digests: new Map(found === undefined ? [] : [[image.tag, found.digest]]),
  };
}

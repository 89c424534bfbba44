import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import type { Digest } from '../../model/digest.ts';
import type { RegistryAccess } from './access.ts';
import { DockerArchive } from './archive/docker-archive.ts';
import { OciArchive } from './archive/oci-archive.ts';
import { parseContent } from './content.ts';
import { LayoutRegistry } from './layout/layout.ts';
import { readLayoutIndex } from './layout/layout-index.ts';
import { type Location, parseLocation, targetOf } from './location.ts';
import { isEvidenceTag } from './referrer-index.ts';
import type { Call, Registry, TagOrDigest } from './registry.ts';
import { RemoteRegistry } from './remote/remote.ts';

/** An image, found but not yet read: the place, and the name under which it is asked for there. */
export interface Opened {
  readonly registry: Registry;
  readonly reference: TagOrDigest;
  readonly location: Location;
}

/** The one door: whatever text names an image, behind it is a Registry. `to: 'write'` allows a layout to be new. */
export async function open(
  text: string | Location,
  access: RegistryAccess,
  o: Call & { readonly to?: 'read' | 'write' } = {},
): Promise<Opened> {
  const location = typeof text === 'string' ? toLocation(text) : text;
  const registry = await openRegistry(location, access, o);
  const reference = targetOf(location) ?? (o.to === 'write' ? 'latest' : await onlyImage(registry));
  return { registry, reference, location };
}

/** The registry behind a location; files need none. */
export function registriesOf(location: Location): readonly string[] {
  return location.kind === 'registry' ? [location.reference.registry] : [];
}

export function toLocation(text: string): Location {
  const parsed = parseLocation(text);
  if ('value' in parsed) return parsed.value;
  // Where the problem says already how it is written, the general form would only confuse.
  const spelling = /: ((?:a folder is written|write) .*)$/s.exec(parsed.problem)?.[1];
  throw new Fault('REFERENCE_INVALID', {
    what: parsed.problem,
    where: text.slice(0, 300),
    ...(spelling !== undefined && { next: spelling }),
  });
}

async function openRegistry(
  location: Location,
  access: RegistryAccess,
  o: Call & { to?: 'read' | 'write' },
): Promise<Registry> {
  switch (location.kind) {
    case 'registry': {
      const { registry, repository } = location.reference;
      return new RemoteRegistry(access.session(registry), repository, access.remote);
    }
    case 'oci':
      if (o.to !== 'write') await checkLayout(location.path);
      return new LayoutRegistry(location.path);
    case 'oci-archive':
      return await OciArchive.open(location.path);
    case 'docker-archive':
      return await DockerArchive.open(location.path, o.signal);
  }
}

async function checkLayout(path: string): Promise<void> {
  if ((await readLayoutIndex(path)) !== undefined) return;
  const found = await stat(path).catch(() => undefined);
  throw new Fault('FILE_MISSING', {
    what: found === undefined ? `there is nothing at ${path}` : `${path} is not an OCI layout folder`,
    where: path,
    expected: join(path, 'index.json'),
    ...(found?.isFile() === true && {
      next: `for a file write oci-archive:${path} or docker-archive:${path}`,
    }),
  });
}

/** Files often hold one image, and then it needs no name. */
async function onlyImage(registry: Registry): Promise<TagOrDigest> {
  const digests = await rootsOf(registry);
  const [first, ...others] = [...new Set(digests)];
  const tags: string[] = [];
  for await (const tag of registry.tags()) if (!isEvidenceTag(tag)) tags.push(tag);
  const [tag, ...otherTags] = tags;
  // Its one tag, so that a copy can keep it.
  if (first !== undefined && others.length === 0)
    return tag !== undefined && otherTags.length === 0 ? tag : first;
  throw new Fault('REFERENCE_INVALID', {
    what:
      first === undefined ? `${registry.place} is empty` : `${registry.place} holds ${digests.length} images`,
    where: registry.place,
    ...(tags.length > 0 && {
      next: `name one: ${tags
        .slice(0, 10)
        .map(tag => `${registry.place}:${tag}`)
        .join(', ')}`,
    }),
  });
}

async function rootsOf(registry: Registry): Promise<readonly string[]> {
  if (registry instanceof DockerArchive)
    return registry.images.map(({ manifest }) => manifest.descriptor.digest);
  const index =
    registry instanceof OciArchive
      ? registry.index
      : registry instanceof LayoutRegistry
        ? await readLayoutIndex(registry.folder)
        : undefined;
  const entries = index?.entries ?? [];
  const named = entries.filter(entry => {
    const name = entry.annotations?.['org.opencontainers.image.ref.name'];
    return name !== undefined && !isEvidenceTag(name);
  });
  if (named.length > 0) return named.map(({ digest }) => digest);
  const untagged = entries.filter(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === undefined,
  );
  const digests = [...new Set(untagged.map(({ digest }) => digest))];
  if (digests.length < 2 || digests.length > mostUntagged) return digests;
  // What was copied with its evidence lies beside it, and is not what anybody means.
  const roots: Digest[] = [];
  for (const digest of digests)
    if (parseContent(await registry.manifest(digest)).subject === undefined) roots.push(digest);
  return roots;
}

/** Whoever has more has to say which one he means. */
const mostUntagged = 1_000;

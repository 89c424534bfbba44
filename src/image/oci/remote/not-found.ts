import { Fault } from '../../../ground/fault/fault.ts';
import { isLoopbackName } from '../../../ground/http/address.ts';
import { readJson } from '../../../ground/http/body.ts';
import { isDigest } from '../../../model/digest.ts';
import { isRepositoryName, isTag } from '../../../model/image-reference.ts';
import { nearest } from '../../../model/nearest.ts';
import { largestManifestRead } from '../content.ts';
import type { TagOrDigest } from '../registry.ts';
import { type ManifestPlace, nameOf } from './manifests.ts';

const mostShown = 10;
/** A hint is worth a moment, not a wait. */
const patience = 5_000;

/** Says what is missing, and for a tag what there is instead. */
export async function notFound(place: ManifestPlace, reference: TagOrDigest): Promise<Fault> {
  const where = nameOf(place, reference);
  const what = `${where} does not exist`;
  if (isDigest(reference))
    return new Fault('NOT_FOUND', { what, where, next: 'check the repository and the digest' });
  const tags = (await list(place, `${place.repository}/tags/list?n=1000`, 'tags')).filter(isImageTag);
  place.signal?.throwIfAborted();
  if (tags.length > 0) return noSuchTag(place, reference, tags);
  const names = await repositoriesNear(place);
  if (names.includes(place.repository))
    return new Fault('NOT_FOUND', {
      what,
      where,
      actual: 'this repository has no tags',
      next: 'name the image by its digest: an image that was built or pushed without a tag is still there',
    });
  const repository = nearest(place.repository, names);
  place.signal?.throwIfAborted();
  return new Fault('NOT_FOUND', {
    what,
    where,
    ...(repository !== undefined && { expected: `${place.session.name}/${repository}` }),
    actual: 'no tags are to be seen in this repository',
    next:
      repository === undefined
        ? 'check the name and the tag; a private image can look missing to strangers, so you may have to log in'
        : `did you mean ${place.session.name}/${repository}?`,
  });
}

function noSuchTag(place: ManifestPlace, reference: string, tags: readonly string[]): Fault {
  // 1 and 2 are near each other and no misspelling.
  const similar = reference.length < 3 ? undefined : nearest(reference, tags);
  const more = tags.length > mostShown ? ` and ${tags.length - mostShown} more` : '';
  const shown = `${tags.slice(0, mostShown).join(', ')}${more}`;
  const meant = similar === undefined ? '' : `; did you mean ${nameOf(place, similar)}?`;
  return new Fault('NOT_FOUND', {
    what: `${nameOf(place, reference)} does not exist`,
    where: nameOf(place, reference),
    expected: `the tag ${reference}`,
    actual: `there is: ${shown}`,
    next:
      reference === 'latest'
        ? `name a tag (without one, latest is meant); there is: ${shown}`
        : `name one of these tags: ${shown}${meant}`,
  });
}

/** Only a registry of this machine is asked for all its names: others refuse, or have millions. */
async function repositoriesNear(place: ManifestPlace): Promise<readonly string[]> {
  if (!isLoopbackName(place.session.base.hostname)) return [];
  const names = await list(place, '_catalog?n=1000', 'repositories');
  return names.filter(isRepositoryName);
}

/** One page; a registry that cannot or will not tell leaves the error as it is. */
async function list(place: ManifestPlace, path: string, field: string): Promise<readonly string[]> {
  const { session, repository, signal } = place;
  const soon = AbortSignal.timeout(patience);
  try {
    const response = await session.call({
      path,
      repository,
      actions: field === 'tags' ? 'pull' : 'none',
      what: `the list of ${field}`,
      accept: [200],
      retry: false,
      signal: signal === undefined ? soon : AbortSignal.any([signal, soon]),
    });
    const names = ((await readJson(response, largestManifestRead)) as Record<string, unknown> | null)?.[
      field
    ];
    return Array.isArray(names) ? names.filter(name => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

/** Fallback tags and cosign's tags hold evidence, and nobody means them. */
function isImageTag(tag: string): boolean {
  return isTag(tag) && !/^sha(256|512)-[0-9a-f]{64}/.test(tag);
}

import { Fault } from '../../../ground/fault/fault.ts';
import type { HttpResponse } from '../../../ground/http/send.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { largestManifestRead, readDescriptor } from '../content.ts';
import {
  describeReferrer,
  fallbackTag,
  mergeDescriptors,
  readReferrerIndex,
  writeReferrerIndex,
} from '../referrer-index.ts';
import type { Manifest } from '../registry.ts';
import { changeTag } from './change-tag.ts';
import { getManifest, type ManifestPlace, nameOf } from './manifests.ts';
import { readPages } from './paging.ts';
import type { RegistryCall } from './session.ts';

const mostReferrers = 100_000;

/** Everything that refers to a subject, from the API and from the fallback tag: evidence may be older than the API. */
export async function listReferrers(place: ManifestPlace, subject: Digest): Promise<readonly Descriptor[]> {
  const [fromApi, fallback] = await Promise.all([
    askApi(place, subject),
    getManifest(place, fallbackTag(subject)),
  ]);
  return mergeDescriptors(fromApi ?? [], readFallback(fallback?.manifest, place, subject));
}

/** Makes sure that a manifest with a subject is found from its subject, whatever the registry supports. */
export async function registerReferrer(
  place: ManifestPlace,
  subject: Digest,
  manifest: Manifest,
  answer: HttpResponse,
): Promise<void> {
  // Some registries confirm the subject and still do not serve the list, so the list itself is asked once.
  const confirmed = answer.headers['oci-subject'] === subject;
  if (confirmed && (await servesList(place, subject, manifest.descriptor.digest))) return;
  const entry = describeReferrer(manifest);
  await changeFallback(place, subject, {
    apply: entries => [...entries.filter(({ digest }) => digest !== entry.digest), entry],
    // Others write a wrong type there, and readers that filter by it then miss the entry.
    isDone: entries =>
      entries.some(
        ({ digest, artifactType }) => digest === entry.digest && artifactType === entry.artifactType,
      ),
  });
}

export async function unregisterReferrer(
  place: ManifestPlace,
  subject: Digest,
  referrer: Digest,
): Promise<void> {
  await changeFallback(place, subject, {
    apply: entries => entries.filter(({ digest }) => digest !== referrer),
    isDone: entries => entries.every(({ digest }) => digest !== referrer),
  });
}

/** Of several that are pushed at once one asks for all. */
async function servesList(place: ManifestPlace, subject: Digest, referrer: Digest): Promise<boolean> {
  const { askingForReferrers, servesReferrers } = place.session;
  const known = servesReferrers.get(place.repository);
  if (known !== undefined) return known;
  const asking = askingForReferrers.get(place.repository);
  if (asking !== undefined) return await asking;
  const answer = askForList(place, subject, referrer);
  askingForReferrers.set(place.repository, answer);
  try {
    return await answer;
  } finally {
    askingForReferrers.delete(place.repository);
  }
}

async function askForList(place: ManifestPlace, subject: Digest, referrer: Digest): Promise<boolean> {
  const { session, repository } = place;
  const listed = await askApi(place, subject);
  const serves = listed?.some(({ digest }) => digest === referrer) ?? false;
  session.servesReferrers.set(repository, serves);
  return serves;
}

/** Undefined when the registry has no such API: 404, 400, 405, 406, 303 or a page instead of a list. */
async function askApi(place: ManifestPlace, subject: Digest): Promise<readonly Descriptor[] | undefined> {
  const { session, repository, signal } = place;
  if (session.servesReferrers.get(repository) === false) return undefined;
  const call: RegistryCall = {
    path: `${repository}/referrers/${subject}`,
    repository,
    headers: { accept: 'application/vnd.oci.image.index.v1+json' },
    what: `what refers to ${nameOf(place, subject)}`,
    accept: [200, 303, 400, 404, 405, 406],
    whole: largestManifestRead,
    ...(signal !== undefined && { signal }),
  };
  const response = await session.call(call);
  if (response.status !== 200 || /html|text\/plain/i.test(response.headers['content-type'] ?? '')) {
    response.discard();
    if (response.status !== 400) session.servesReferrers.set(repository, false);
    return undefined;
  }
  const found: Descriptor[] = [];
  for await (const page of readPages(session, response, call)) {
    found.push(...readList(page, nameOf(place, subject)));
    if (found.length > mostReferrers) {
      throw new Fault('LIMIT_EXCEEDED', {
        what: `more refers to ${nameOf(place, subject)} than cg is willing to read`,
        where: nameOf(place, subject),
        expected: `at most ${mostReferrers} entries`,
      });
    }
  }
  return found;
}

function readList(page: unknown, where: string): Descriptor[] {
  const manifests = (page as { manifests?: unknown } | null)?.manifests;
  if (manifests === null || manifests === undefined) return [];
  if (!Array.isArray(manifests)) {
    throw new Fault('PROTOCOL', { what: `the list of what refers to ${where} is not an index`, where });
  }
  return manifests.map((entry, at) =>
    readDescriptor(entry, `manifests[${at}]`, `the list of what refers to ${where}`),
  );
}

/** For a reader, a tag that holds something else simply lists nothing. */
function readFallback(
  manifest: Manifest | undefined,
  place: ManifestPlace,
  subject: Digest,
): readonly Descriptor[] {
  try {
    return readReferrerIndex(manifest, nameOf(place, fallbackTag(subject)));
  } catch {
    return [];
  }
}

interface EntriesChange {
  readonly apply: (entries: readonly Descriptor[]) => readonly Descriptor[];
  readonly isDone: (entries: readonly Descriptor[]) => boolean;
}

async function changeFallback(place: ManifestPlace, subject: Digest, change: EntriesChange): Promise<void> {
  const tag = fallbackTag(subject);
  const entriesOf = (manifest: Manifest | undefined) => readReferrerIndex(manifest, nameOf(place, tag));
  await changeTag(place, tag, {
    apply: current => writeReferrerIndex(change.apply(entriesOf(current))),
    isDone: current => change.isDone(entriesOf(current)),
  });
}

import { Fault } from '../../../ground/fault/fault.ts';
import { readBytes } from '../../../ground/http/body.ts';
import { redactUrl } from '../../../ground/http/redact-url.ts';
import type { HttpResponse } from '../../../ground/http/send.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import { algorithmOf, isDigest } from '../../../model/digest.ts';
import { decideMediaType, largestManifestRead, largestManifestWritten } from '../content.ts';
import type { Manifest, TagOrDigest } from '../registry.ts';
import { digestFault, digestOf } from '../verified.ts';
import type { RegistrySession } from './session.ts';

const accept = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(', ');

export interface ManifestPlace {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly signal?: AbortSignal;
}

/** Undefined when there is no such manifest. */
export async function headManifest(
  place: ManifestPlace,
  reference: TagOrDigest,
): Promise<Descriptor | undefined> {
  const response = await callManifest(place, reference, 'HEAD', [200, 404, 405]);
  response.discard();
  if (response.status === 404) return undefined;
  const digest = response.headers['docker-content-digest'];
  const size = Number(response.headers['content-length'] ?? Number.NaN);
  const mediaType = response.headers['content-type']?.split(';')[0]?.trim() ?? '';
  const isComplete =
    typeof digest === 'string' && isDigest(digest) && Number.isSafeInteger(size) && mediaType !== '';
  // HEAD is a courtesy of registries; a GET always tells.
  if (response.status === 405 || !isComplete)
    return (await getManifest(place, reference))?.manifest.descriptor;
  if (isDigest(reference) && digest !== reference)
    throw digestFault(reference, digest, nameOf(place, reference));
  return { mediaType, digest, size };
}

export interface Fetched {
  readonly manifest: Manifest;
  readonly etag: string | undefined;
}

/** Undefined when there is no such manifest. The digest is that of the bytes, whatever the headers say. */
export async function getManifest(
  place: ManifestPlace,
  reference: TagOrDigest,
): Promise<Fetched | undefined> {
  const where = nameOf(place, reference);
  const response = await callManifest(place, reference, 'GET', [200, 404]);
  if (response.status === 404) {
    response.discard();
    return undefined;
  }
  refusePage(response, where);
  const bytes = await readBytes(response, largestManifestRead);
  const digest = digestOf(bytes, isDigest(reference) ? algorithmOf(reference) : 'sha256');
  if (isDigest(reference) && digest !== reference) throw digestFault(reference, digest, where);
  checkClaim(response, bytes, where);
  const mediaType = decideMediaType(response.headers['content-type'], bytes, where);
  return {
    manifest: { descriptor: { mediaType, digest, size: bytes.length }, bytes },
    etag: response.headers.etag,
  };
}

/** A proxy or a login portal between us and the registry says 200 and means itself: nothing was forged. */
function refusePage(response: HttpResponse, where: string): void {
  const type = response.headers['content-type'] ?? '';
  if (!/^\s*text\/html\b/i.test(type)) return;
  response.discard();
  throw new Fault('PROTOCOL', {
    what: `a web page came in place of ${where}`,
    where: redactUrl(response.url),
    expected: 'a manifest',
    actual: type.slice(0, 100),
  });
}

/** Only if the tag is still what it was, or still missing; registries that know no conditions ignore them. */
export type Condition = Readonly<Record<'if-match', string> | Record<'if-none-match', '*'>>;

/** Stores a manifest; a failed precondition (somebody else was faster) is told by false. */
export async function putManifest(
  place: ManifestPlace,
  reference: TagOrDigest,
  { descriptor, bytes }: Manifest,
  condition?: Condition,
): Promise<HttpResponse | false> {
  const where = nameOf(place, reference);
  if (bytes.length > largestManifestWritten) {
    throw new Fault('LIMIT_EXCEEDED', {
      what: `the manifest ${where} is larger than registries take`,
      where,
      expected: `at most ${largestManifestWritten} bytes`,
      actual: `${bytes.length} bytes`,
    });
  }
  const response = await place.session.call({
    ...callOf(place, reference),
    method: 'PUT',
    actions: 'pull,push',
    headers: { 'content-type': descriptor.mediaType, ...condition },
    body: bytes,
    accept: condition === undefined ? [200, 201, 202] : [200, 201, 202, 409, 412],
  });
  response.discard();
  if (response.status === 409 || response.status === 412) return false;
  const stored = response.headers['docker-content-digest'];
  if (typeof stored === 'string' && isDigest(stored) && stored !== digestOf(bytes, algorithmOf(stored))) {
    throw digestFault(descriptor.digest, stored, where);
  }
  return response;
}

export async function deleteManifest(place: ManifestPlace, reference: TagOrDigest): Promise<void> {
  const response = await place.session.call({
    ...callOf(place, reference),
    method: 'DELETE',
    actions: 'pull,push,delete',
    accept: [200, 202, 204, 404],
  });
  response.discard();
}

export function nameOf({ session, repository }: ManifestPlace, reference: TagOrDigest): string {
  return `${session.name}/${repository}${isDigest(reference) ? '@' : ':'}${reference}`;
}

function callManifest(
  place: ManifestPlace,
  reference: TagOrDigest,
  method: string,
  statuses: number[],
): Promise<HttpResponse> {
  return place.session.call({
    ...callOf(place, reference),
    method,
    headers: { accept },
    accept: statuses,
    ...(method === 'GET' && { whole: largestManifestRead }),
  });
}

function callOf(place: ManifestPlace, reference: TagOrDigest) {
  return {
    path: `${place.repository}/manifests/${reference}`,
    repository: place.repository,
    what: `the manifest ${nameOf(place, reference)}`,
    ...(place.signal !== undefined && { signal: place.signal }),
  };
}

function checkClaim(response: HttpResponse, bytes: Buffer, where: string): void {
  const claim = response.headers['docker-content-digest'];
  if (typeof claim !== 'string' || !isDigest(claim)) return;
  const actual = digestOf(bytes, algorithmOf(claim));
  if (claim !== actual) throw digestFault(claim, actual, where);
}

import { Fault } from '../../../../ground/fault/fault.ts';
import { delayBefore } from '../../../../ground/http/retry.ts';
import type { HttpResponse } from '../../../../ground/http/send.ts';
import type { BlobPush, Pushed } from '../../registry.ts';
import { collect, verified } from '../../verified.ts';
import { uploadInChunks } from './chunked-upload.ts';
import { callOf, checkStored, type OpenUpload, type UploadPlace, withDigest } from './upload-call.ts';

/** From this size on a cut connection must not cost the whole blob. */
export const chunkedFrom = 256 * 1024 * 1024;

/** Up to this size a blob goes along with the request that would open its upload: half as many round trips. */
const largestAlong = 64 * 1024;

/** What a registry answers that does not know uploads in one request, and does not simply open one. */
const refusals = [400, 404, 405, 411, 413, 415, 501];

/** Brings a blob to a repository the cheapest way: it is there, it can be mounted, or it is sent. */
export async function pushBlob(place: UploadPlace, push: BlobPush): Promise<Pushed> {
  if (push.isNew !== true && (await hasBlob(place, push))) return { outcome: 'present' };
  const mounted = push.mountFrom === undefined ? undefined : await mount(place, push, push.mountFrom);
  if (mounted === 'mounted') return { outcome: 'mounted' };
  await upload(place, push, mounted);
  return { outcome: 'uploaded' };
}

async function hasBlob(place: UploadPlace, { descriptor }: BlobPush): Promise<boolean> {
  const response = await place.session.call({
    ...callOf(place, `blobs/${descriptor.digest}`, `the blob ${descriptor.digest}`),
    method: 'HEAD',
    // A registry that hides from strangers what they may not read says 403 or 404; the upload decides.
    accept: [200, 403, 404, 405],
  });
  response.discard();
  const length = response.headers['content-length'];
  return response.status === 200 && (length === undefined || Number(length) === descriptor.size);
}

/** 201 is mounted; 202 means that an upload was opened instead, which is then used; anything else is no. */
async function mount(
  place: UploadPlace,
  { descriptor }: BlobPush,
  from: string,
): Promise<'mounted' | URL | undefined> {
  const query = new URLSearchParams({ mount: descriptor.digest, from });
  try {
    const response = await place.session.call({
      ...callOf(place, `blobs/uploads/?${query.toString()}`, `mounting ${descriptor.digest} from ${from}`),
      method: 'POST',
      headers: { 'content-length': '0' },
      mountFrom: from,
      accept: [201, 202, 400, 403, 404, 405],
    });
    response.discard();
    if (response.status === 201) return 'mounted';
    return response.status === 202 ? place.session.location(response) : undefined;
  } catch (error) {
    // Without the right to read the other repository there is still the way through our hands.
    if (error instanceof Fault && (error.code === 'UNAUTHORIZED' || error.code === 'DENIED'))
      return undefined;
    throw error;
  }
}

async function upload(place: UploadPlace, push: BlobPush, opened: URL | undefined): Promise<void> {
  const { timing } = place.session.http;
  const isLarge = push.descriptor.size >= (place.chunkedFrom ?? chunkedFrom);
  for (let attempt = 1; ; attempt++) {
    try {
      const target = attempt === 1 && opened !== undefined ? { location: opened } : await begin(place, push);
      if (target === undefined) return;
      if (isLarge) await uploadInChunks(place, push, target);
      else await uploadAtOnce(place, push, target.location);
      return;
    } catch (error) {
      // A failed upload cannot be continued here, so it begins anew, unless it arrived after all.
      const isTransient = error instanceof Fault && (error.code === 'NETWORK' || error.code === 'NOT_FOUND');
      const delay = isTransient ? delayBefore(attempt, undefined, timing.random) : undefined;
      if (delay === undefined) throw error;
      await timing.sleep(delay, place.signal);
      if (await hasBlob(place, push)) return;
    }
  }
}

/** Undefined when the blob is stored already: it went along, and the registry took it. */
async function begin(place: UploadPlace, push: BlobPush): Promise<OpenUpload | undefined> {
  const { descriptor } = push;
  const mayGoAlong = descriptor.size <= largestAlong && place.session.takesWholeBlobs !== false;
  if (!mayGoAlong) return await openUpload(place, push);
  const bytes = await collect(verified(push.open(0), descriptor, `the source of ${descriptor.digest}`));
  const response = await place.session.call({
    ...callOf(place, `blobs/uploads/?digest=${descriptor.digest}`, `the upload of ${descriptor.digest}`),
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
    accept: [201, 202, ...refusals],
  });
  place.session.takesWholeBlobs = response.status === 201;
  if (response.status === 201) {
    checkStored(response, push);
    return undefined;
  }
  // Distribution specification, "Single POST": who does not support it answers as if there were no body.
  if (response.status === 202) return takeUp(place, response);
  response.discard();
  return await openUpload(place, push);
}

async function openUpload(place: UploadPlace, { descriptor }: BlobPush): Promise<OpenUpload> {
  const response = await place.session.call({
    ...callOf(place, 'blobs/uploads/', `an upload of ${descriptor.digest}`),
    method: 'POST',
    headers: { 'content-length': '0' },
    accept: [202],
  });
  return takeUp(place, response);
}

function takeUp(place: UploadPlace, response: HttpResponse): OpenUpload {
  response.discard();
  const least = Number(response.headers['oci-chunk-min-length'] ?? Number.NaN);
  return { location: place.session.location(response), ...(least > 0 && { leastChunk: least }) };
}

async function uploadAtOnce(place: UploadPlace, push: BlobPush, location: URL): Promise<void> {
  const { descriptor } = push;
  const response = await place.session.call({
    ...callOf(place, '', `the upload of ${descriptor.digest}`),
    path: withDigest(location, descriptor.digest),
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: {
      length: descriptor.size,
      open: () => verified(push.open(0), descriptor, `the source of ${descriptor.digest}`),
    },
    retry: false,
    accept: [200, 201, 204],
  });
  checkStored(response, push);
}

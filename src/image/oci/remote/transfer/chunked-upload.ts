import { Fault } from '../../../../ground/fault/fault.ts';
import { maxAttempts } from '../../../../ground/http/retry.ts';
import type { HttpResponse } from '../../../../ground/http/send.ts';
import type { BlobPush } from '../../registry.ts';
import { verified } from '../../verified.ts';
import { callOf, checkStored, type OpenUpload, type UploadPlace, withDigest } from './upload-call.ts';

const defaultChunk = 16 * 1024 * 1024;
const largestChunk = 256 * 1024 * 1024;

/** Sends a blob in pieces, each of which can be sent again from where the registry says it stopped. */
export async function uploadInChunks(place: UploadPlace, push: BlobPush, opened: OpenUpload): Promise<void> {
  const size = Math.min(largestChunk, Math.max(place.chunkSize ?? defaultChunk, opened.leastChunk ?? 0));
  const source = verified(push.open(0), push.descriptor, `the source of ${push.descriptor.digest}`);
  let location = opened.location;
  let offset = 0;
  for await (const chunk of cut(source, size)) {
    location = await sendChunk(place, push, location, offset, chunk);
    offset += chunk.length;
  }
  const response = await place.session.call({
    ...callOf(place, '', `the end of the upload of ${push.descriptor.digest}`),
    path: withDigest(location, push.descriptor.digest),
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': '0' },
    accept: [200, 201, 204],
  });
  checkStored(response, push);
}

async function sendChunk(
  place: UploadPlace,
  push: BlobPush,
  start: URL,
  offset: number,
  chunk: Buffer,
): Promise<URL> {
  const { timing } = place.session.http;
  let location = start;
  let sent = 0;
  for (let attempt = 1; ; attempt++) {
    let failure: unknown;
    try {
      const response = await patch(place, location, offset + sent, chunk.subarray(sent));
      if (response.status !== 416) return place.session.location(response);
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'NETWORK')) throw error;
      failure = error;
    }
    if (attempt === maxAttempts) throw failure ?? outOfStep(place, push);
    await timing.sleep(250 * attempt * timing.random(), place.signal);
    const state = await askState(place, push, location);
    location = state.location;
    sent = state.received - offset;
    if (sent < 0 || sent > chunk.length) throw outOfStep(place, push);
    if (sent === chunk.length) return location;
  }
}

async function patch(place: UploadPlace, location: URL, from: number, bytes: Buffer): Promise<HttpResponse> {
  const response = await place.session.call({
    ...callOf(place, '', 'a part of an upload'),
    path: location,
    method: 'PATCH',
    headers: {
      'content-type': 'application/octet-stream',
      // Without the unit, unlike everywhere else (distribution specification, "Pushing a blob in chunks").
      'content-range': `${from}-${from + bytes.length - 1}`,
    },
    body: bytes,
    retry: false,
    accept: [200, 202, 204, 416],
  });
  response.discard();
  return response;
}

/** What the registry has so far: `Range: 0-n`, or nothing. */
async function askState(
  place: UploadPlace,
  push: BlobPush,
  location: URL,
): Promise<{ location: URL; received: number }> {
  const response = await place.session.call({
    ...callOf(place, '', `the state of the upload of ${push.descriptor.digest}`),
    path: location,
    accept: [200, 202, 204],
  });
  response.discard();
  const end = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? '')?.[1];
  const next = response.headers.location === undefined ? location : place.session.location(response);
  return {
    location: next,
    received: end === undefined || (end === '0' && push.descriptor.size > 1) ? 0 : Number(end) + 1,
  };
}

/** Pieces of exactly this size, and the rest. */
async function* cut(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (let chunk of source) {
    while (length + chunk.length >= size) {
      const room = size - length;
      yield Buffer.concat([...pending, chunk.subarray(0, room)]);
      chunk = chunk.subarray(room);
      pending = [];
      length = 0;
    }
    if (chunk.length > 0) pending.push(chunk);
    length += chunk.length;
  }
  if (length > 0) yield Buffer.concat(pending);
}

/** Not found, in the sense of the registry: this upload is lost and has to begin anew. */
function outOfStep({ session, repository }: UploadPlace, { descriptor }: BlobPush): Fault {
  return new Fault('NOT_FOUND', {
    what: `${session.name} lost track of the upload of ${descriptor.digest}`,
    where: `${session.name}/${repository}`,
  });
}

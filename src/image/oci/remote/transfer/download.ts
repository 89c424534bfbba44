import { Fault } from '../../../../ground/fault/fault.ts';
import { excerpt } from '../../../../ground/http/body.ts';
import { maxAttempts } from '../../../../ground/http/retry.ts';
import type { HttpResponse } from '../../../../ground/http/send.ts';
import type { Descriptor } from '../../../../model/descriptor.ts';
import { exactly, verified } from '../../verified.ts';
import type { ManifestPlace } from '../manifests.ts';

/** How often one blob may be continued at all, even when every attempt brings a little. */
const mostResumes = 50;

/** A blob from an offset on; from the start it is checked by digest, a part can only be counted. */
export function pullBlob(
  place: ManifestPlace,
  descriptor: Descriptor,
  offset: number,
): AsyncIterable<Uint8Array> {
  const where = `${place.session.name}/${place.repository}`;
  const pieces = readPieces(place, descriptor, offset);
  return offset === 0
    ? verified(pieces, descriptor, where)
    : exactly(pieces, descriptor.size - offset, descriptor, where);
}

/** After a cut the rest is asked for by range; what was read stays read. */
async function* readPieces(
  place: ManifestPlace,
  descriptor: Descriptor,
  start: number,
): AsyncGenerator<Uint8Array> {
  const { timing } = place.session.http;
  let at = start;
  let failures = 0;
  for (let resumes = 0; ; resumes++) {
    const before = at;
    try {
      const response = await request(place, descriptor, at);
      for await (const chunk of skip(response.body, response.status === 206 ? 0 : at)) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      failures = at > before ? 1 : failures + 1;
      const mayResume = error instanceof Fault && error.code === 'NETWORK' && resumes < mostResumes;
      if (!mayResume || failures >= maxAttempts || at > descriptor.size) throw error;
      await timing.sleep(250 * failures * timing.random(), place.signal);
    }
  }
}

async function request(
  place: ManifestPlace,
  { digest, size }: Descriptor,
  at: number,
): Promise<HttpResponse> {
  const response = await place.session.call({
    path: `${place.repository}/blobs/${digest}`,
    repository: place.repository,
    headers: at === 0 ? {} : { range: `bytes=${at}-${size - 1}` },
    what: `the blob ${digest} of ${place.repository}`,
    accept: [200, 206],
    ...(place.signal !== undefined && { signal: place.signal }),
  });
  const begins = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
  if (response.status === 206 && Number(begins ?? at) !== at) {
    response.discard();
    throw new Fault('PROTOCOL', {
      what: `${place.session.name} gave another part of ${digest} than was asked for`,
      where: `${place.session.name}/${place.repository}`,
      expected: `from byte ${at}`,
      actual: excerpt(Buffer.from(response.headers['content-range'] ?? 'no Content-Range')),
    });
  }
  return response;
}

async function* skip(source: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of source) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}

import type { Digest } from '../../../../model/digest.ts';
import { parseRange } from '../http/byte-range.ts';
import type { Exchange } from '../http/exchange.ts';
import { Refusal } from '../http/refusal.ts';
import { sendFile } from '../http/send-file.ts';
import type { Service } from '../service.ts';

/** GET and HEAD of a blob, whole or a range of it. */
export async function readBlob(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const size = await service.store.blobs.size(repository, digest);
  if (size === undefined) throw unknownBlob(digest);
  const headers = {
    etag: `"${digest}"`,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'cache-control': 'max-age=31536000, immutable',
  };
  if (matchesEtag(exchange.header('if-none-match'), digest)) {
    exchange.empty(304, headers);
    return;
  }
  const range = mayRange(exchange, digest) ? parseRange(exchange.header('range'), size) : undefined;
  if (range === 'unsatisfiable') {
    throw new Refusal(416, 'SIZE_INVALID', `the blob has ${size} bytes`, {
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  const length = last - first + 1;
  exchange.response.writeHead(range ? 206 : 200, {
    ...headers,
    'content-length': length,
    ...(range && { 'content-range': `bytes ${first}-${last}/${size}` }),
  });
  if (exchange.isHead || length === 0) {
    exchange.response.end();
    return;
  }
  exchange.countSent(await sendFile(service.store.content.path(digest), exchange.response, first, length));
}

export async function deleteBlob(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: Digest,
): Promise<void> {
  const isGone = await service.store.blobs.remove(repository, digest);
  if (!isGone) throw unknownBlob(digest);
  exchange.empty(202);
}

/** `If-None-Match` and `If-Match` lists (RFC 9110 §13.1), weak or strong. */
export function matchesEtag(header: string | undefined, digest: Digest): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some(tag => tag.trim().replace(/^W\//, '') === `"${digest}"`);
}

function mayRange(exchange: Exchange, digest: Digest): boolean {
  const condition = exchange.header('if-range');
  return condition === undefined || condition === `"${digest}"`;
}

function unknownBlob(digest: Digest): Refusal {
  return new Refusal(404, 'BLOB_UNKNOWN', 'the repository does not hold this blob', { detail: { digest } });
}

import { createHash, randomBytes } from 'node:crypto';
import { oids } from '../der/oids.ts';
import { encodeTimestampRequest } from '../timestamp/token.ts';
import type { Http, ServiceCall } from './http.ts';
import { refusedBy } from './refused.ts';

/** Asks an authority to confirm that a signature exists now. */
export async function requestTimestamp(
  service: { readonly http: Http; readonly url: string },
  signature: Uint8Array,
  o: ServiceCall = {},
): Promise<Buffer> {
  const nonce = randomBytes(8);
  // Positive and of full length, which is the shortest encoding as well.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40;
  const body = encodeTimestampRequest({
    digestOid: oids.sha256,
    digest: createHash('sha256').update(signature).digest(),
    nonce,
    wantsCertificate: true,
  });
  const headers = { 'Content-Type': 'application/timestamp-query', Accept: 'application/timestamp-reply' };
  const reply = await service.http({ method: 'POST', url: service.url, headers, body }, o);
  if (reply.status !== 200 && reply.status !== 201)
    throw refusedBy('timestamp authority', service.url, reply);
  return reply.body;
}

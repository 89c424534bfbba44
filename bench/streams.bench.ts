import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { gunzip } from '../src/image/oci/gunzip.ts';
import { digestOf, verified } from '../src/image/oci/verified.ts';
import type { Row } from './row.ts';

export const name = 'streams';

const mebibyte = 1024 * 1024;
const rounds = 7;

/** Our streams against the same work done in one call on bytes in memory: the limit of Node on this machine. */
export async function run(): Promise<Row[]> {
  const blob = randomBytes(128 * mebibyte);
  const digest = digestOf(blob);
  // Half random, half text: it packs like a layer does.
  const tar = Buffer.concat(
    Array.from({ length: 64 }, (_, at) =>
      Buffer.concat([randomBytes(mebibyte), Buffer.alloc(mebibyte, `line ${at}\n`)]),
    ),
  );
  const packed = gzipSync(tar, { level: 6 });
  return [
    await compare('sha256 of a blob as it passes', blob.length, 'createHash in one call', {
      ours: () => drain(verified(pieces(blob), { digest, size: blob.length }, 'bench')),
      limit: () => void createHash('sha256').update(blob).digest(),
    }),
    await compare('gunzip of a layer as it passes', tar.length, 'gunzipSync in one call', {
      ours: () => drain(gunzip(pieces(packed), tar.length, 'bench')),
      limit: () => void gunzipSync(packed),
    }),
  ];
}

async function compare(
  what: string,
  bytes: number,
  peerName: string,
  work: { readonly ours: () => Promise<void>; readonly limit: () => void },
): Promise<Row> {
  let ours = 0;
  let peer = 0;
  // In turns; the best round counts, because what disturbs only ever slows down.
  for (let round = 0; round < rounds; round++) {
    ours = Math.max(ours, await rate(bytes, work.ours));
    peer = Math.max(peer, await rate(bytes, work.limit));
  }
  const ratio = ours / peer;
  return { what, ours, peer, peerName, unit: 'MB/s', ratio, target: 0.8, ok: ratio >= 0.8 };
}

async function rate(bytes: number, work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await work();
  return bytes / 1e3 / (performance.now() - start);
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += mebibyte) yield bytes.subarray(at, at + mebibyte);
}

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { toWriteFault } from '../../../ground/store/write-fault.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import type { BlobPush } from '../../oci/registry.ts';
import type { Node } from './tree.ts';
import { writeTar } from './write-tar.ts';

export interface Layer {
  /** Digest of the tar itself, which the configuration names. */
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
  /** How it gets to where the image goes. */
  readonly push: BlobPush;
}

export interface PackOptions {
  readonly folder: string;
  readonly epoch: number;
  readonly signal?: AbortSignal;
}

/** Writes changes as a compressed layer into a file, hashing both forms on the way. */
export async function packLayer(changes: ReadonlyMap<string, Node>, o: PackOptions): Promise<Layer> {
  const unpacked = createHash('sha256');
  const packed = createHash('sha256');
  let size = 0;
  const temporary = join(o.folder, `layer-${randomUUID()}`);
  const target = createWriteStream(temporary, { mode: 0o600 });
  try {
    await pipeline(
      Readable.from(hashed(writeTar(changes, o.epoch, o.signal), chunk => unpacked.update(chunk))),
      // Level 6 and a header without time: the same bytes on every machine.
      createGzip({ level: 6, chunkSize: 256 * 1024 }),
      async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          packed.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      },
      target,
      ...(o.signal === undefined ? [] : [{ signal: o.signal }]),
    );
  } catch (error) {
    o.signal?.throwIfAborted();
    throw target.errored === null ? error : toWriteFault(error, temporary);
  }
  const digest: Digest = `sha256:${packed.digest('hex')}`;
  const path = join(o.folder, digest.slice(7));
  await rename(temporary, path);
  const descriptor: Descriptor = { mediaType: mediaTypes.layerGzip, digest, size };
  return {
    diffId: `sha256:${unpacked.digest('hex')}`,
    descriptor,
    push: { kind: 'blob', descriptor, open: start => createReadStream(path, { start }) },
  };
}

async function* hashed(source: AsyncIterable<Buffer>, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  // Headers are small: gathered, they cost one call instead of hundreds.
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    if (chunk.length === 0) continue;
    gathered.push(chunk);
    size += chunk.length;
    if (size < 64 * 1024) continue;
    const whole = Buffer.concat(gathered);
    see(whole);
    yield whole;
    gathered = [];
    size = 0;
  }
  const last = Buffer.concat(gathered);
  see(last);
  yield last;
}

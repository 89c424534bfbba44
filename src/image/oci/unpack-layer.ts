import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { Fault } from '../../ground/fault/fault.ts';
import { algorithmOf, type Digest } from '../../model/digest.ts';
import { gunzip } from './gunzip.ts';
import { digestFault } from './verified.ts';

/** More than any real layer; a bomb ends here. */
export const largestLayer = 64 * 1024 * 1024 * 1024;

/** The tar inside a layer, whatever it is packed with, checked against its diffID when it has passed whole. */
export async function* unpackLayer(
  packed: AsyncIterable<Uint8Array>,
  diffId: Digest,
  where: string,
  limit: number = largestLayer,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(algorithmOf(diffId));
  for await (const piece of await unpack(packed, where, limit)) {
    hash.update(piece);
    yield piece;
  }
  const actual = `${algorithmOf(diffId)}:${hash.digest('hex')}`;
  if (actual !== diffId) throw digestFault(diffId, actual, `${where} unpacked`);
}

/** The first bytes decide: media types are wrong too often, and the digest says whether the bytes are right. */
async function unpack(
  packed: AsyncIterable<Uint8Array>,
  where: string,
  limit: number,
): Promise<AsyncIterable<Uint8Array>> {
  const { head, whole } = await peek(packed);
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return gunzip(whole, limit, where);
  if (head.length >= 4 && head.readUInt32BE(0) === 0x28b52ffd)
    return bounded(unzstd(whole, where), limit, where);
  return bounded(whole, limit, where);
}

async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Buffer; whole: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size < 4) {
    const next = await iterator.next();
    if (next.done === true) break;
    pieces.push(next.value);
    size += next.value.length;
  }
  const rest = { [Symbol.asyncIterator]: () => iterator };
  const whole = (async function* () {
    yield* pieces;
    yield* rest;
  })();
  return { head: Buffer.concat(pieces).subarray(0, 4), whole };
}

async function* bounded(
  source: AsyncIterable<Uint8Array>,
  limit: number,
  where: string,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > limit) throw cannotUnpack(where, `more than ${limit} bytes once unpacked`);
    yield piece;
  }
}

function unzstd(source: AsyncIterable<Uint8Array>, where: string): AsyncIterable<Uint8Array> {
  // Node has it since 22.15; before that the slower one in JavaScript does it.
  return 'createZstdDecompress' in zlib ? unzstdNative(source, where) : unzstdScript(source, where);
}

async function* unzstdNative(source: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  const create = (zlib as unknown as { createZstdDecompress: (o: object) => NodeJS.ReadWriteStream })
    .createZstdDecompress;
  const input = Readable.from(source);
  const unpacker = create({ chunkSize: 1024 * 1024 }) as NodeJS.ReadWriteStream & {
    destroy(error?: Error): void;
  };
  input.on('error', error => unpacker.destroy(error));
  try {
    for await (const piece of input.pipe(unpacker)) yield piece as Buffer;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw input.errored instanceof Fault ? input.errored : cannotUnpack(where, 'no proper zstd', error);
  } finally {
    input.destroy();
    unpacker.destroy();
  }
}

async function* unzstdScript(source: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const decoder = new Decompress(piece => void ready.push(piece));
  const decode = (piece: Uint8Array, isLast: boolean): Uint8Array[] => {
    try {
      decoder.push(piece, isLast);
    } catch (error) {
      throw cannotUnpack(where, 'no proper zstd', error);
    }
    const pieces = ready;
    ready = [];
    return pieces;
  };
  for await (const piece of source) yield* decode(piece, false);
  yield* decode(new Uint8Array(0), true);
}

function cannotUnpack(where: string, actual: string, cause?: unknown): Fault {
  return new Fault('CONTENT_INVALID', {
    what: `${where} cannot be unpacked`,
    where,
    actual,
    ...(cause !== undefined && { cause }),
  });
}

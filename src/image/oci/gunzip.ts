import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Fault } from '../../ground/fault/fault.ts';

/** zlib in pieces of its default 16 KiB is half as fast. */
const pieceSize = 1024 * 1024;

/** Unpacks gzip while it streams; ends with a fault when it is no gzip, or when it unpacks to more than the limit. */
export async function* gunzip(
  packed: AsyncIterable<Uint8Array>,
  limit: number,
  where: string,
): AsyncGenerator<Buffer> {
  const source = Readable.from(packed);
  const unpacker = createGunzip({ chunkSize: pieceSize });
  source.on('error', error => unpacker.destroy(error));
  let size = 0;
  try {
    for await (const piece of source.pipe(unpacker) as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > limit) throw invalid(where, `more than ${limit} bytes once unpacked`);
      yield piece;
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    // What the source itself failed with says more than what zlib makes of it.
    throw source.errored instanceof Fault ? source.errored : invalid(where, 'no proper gzip', error);
  } finally {
    source.destroy();
    unpacker.destroy();
  }
}

function invalid(where: string, actual: string, cause?: unknown): Fault {
  return new Fault('CONTENT_INVALID', {
    what: `${where} cannot be unpacked`,
    where,
    actual,
    ...(cause !== undefined && { cause }),
  });
}

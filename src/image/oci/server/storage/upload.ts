import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import type { Digest, DigestAlgorithm } from '../../../../model/digest.ts';
import type { Quota } from './quota.ts';

const batchSize = 1024 * 1024;

interface RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly hash: Hash;
}

/** Bytes on their way to become a blob. */
export class Upload {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  size: number;
  /** When somebody last worked on it, in milliseconds. */
  changed: number;
  /** Requests that work on it or wait for their turn. */
  users = 0;
  turn: Promise<unknown> = Promise.resolve();
  /** Ends the request that works on it now. */
  interrupt: (() => void) | undefined;
  /** Over the whole file; undefined when the file has to be read again, as after a restart. */
  #running: RunningHash | undefined;

  constructor(id: string, repository: string, path: string, size: number, changed: number) {
    this.id = id;
    this.repository = repository;
    this.path = path;
    this.size = size;
    this.changed = changed;
  }

  /**
   * Appends a body. What a broken connection delivered is kept, so that the client can go on from there; what the
   * disk or a limit cut off is taken back, because it is in the way.
   */
  async append(body: AsyncIterable<Buffer>, algorithm: DigestAlgorithm, quota: Quota): Promise<void> {
    const before = this.size;
    const running = this.#hashFor(algorithm);
    const snapshot = running && { algorithm, hash: running.hash.copy() };
    const file = await open(this.path, 'a');
    this.#running = running;
    try {
      for await (const batch of inBatches(body)) {
        quota.reserve(batch.length);
        this.size += batch.length;
        // Hashing runs here while the system writes.
        const written = writeAll(file, batch);
        running?.hash.update(batch);
        await written;
      }
    } catch (error) {
      if (!isCutOff(error)) {
        await truncate(this.path, before);
        quota.release(this.size - before);
        this.size = before;
        this.#running = snapshot;
      }
      throw error;
    } finally {
      await file.close();
    }
  }

  /** The digest of everything received so far. */
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    const hash = this.#hashFor(algorithm)?.hash.copy() ?? (await hashFile(this.path, algorithm));
    return `${algorithm}:${hash.digest('hex')}`;
  }

  /** Puts the bytes on the device: a name must never point at bytes that a power cut can still take away. */
  async seal(): Promise<void> {
    const file = await open(this.path, 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  #hashFor(algorithm: DigestAlgorithm): RunningHash | undefined {
    if (this.#running?.algorithm === algorithm) return this.#running;
    return this.size === 0 ? { algorithm, hash: createHash(algorithm) } : undefined;
  }
}

/** A newer request took over; see `Uploads.use`. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}

function isCutOff(error: unknown): boolean {
  if (error instanceof Interruption) return true;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    offset += (await file.write(bytes, offset, bytes.length - offset)).bytesWritten;
  }
}

/** Joins the 64 KiB pieces of a socket: hashing and writing 1 MiB at a time is twice as fast. */
async function* inBatches(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      length += piece.length;
      if (length < batchSize) continue;
      yield Buffer.concat(pieces, length);
      pieces = [];
      length = 0;
    }
  } catch (error) {
    // An interrupted request is one that nobody waits for: what was reported as received must not grow afterwards.
    if (isCutOff(error) && !(error instanceof Interruption) && length > 0)
      yield Buffer.concat(pieces, length);
    throw error;
  }
  if (length > 0) yield pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, length);
}

async function hashFile(path: string, algorithm: DigestAlgorithm): Promise<Hash> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: batchSize })) {
    hash.update(chunk as Buffer);
  }
  return hash;
}

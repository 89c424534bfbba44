import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { openRegularFile, toReadFault } from '../../../ground/store/regular-file.ts';
import { isMissing, systemCode, toWriteFault } from '../../../ground/store/write-fault.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import { algorithmOf, type Digest, type DigestAlgorithm, hexOf } from '../../../model/digest.ts';

const readSize = 1024 * 1024;
const writeSize = 1024 * 1024;

export function blobPath(folder: string, digest: Digest): string {
  return join(folder, 'blobs', algorithmOf(digest), hexOf(digest));
}

/** Files whose digest was found right, by what would change with their content. */
const intact = new Map<string, string>();
const mostRemembered = 10_000;

/** There and with the right content: a name proves nothing, so a file is read once before it counts as present. */
export async function hasBlobFile(
  folder: string,
  { digest, size }: Descriptor,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = blobPath(folder, digest);
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size !== size) return false;
    const identity = `${found.ino} ${found.size} ${found.mtimeMs}`;
    if (intact.get(path) === identity) return true;
    const hash = createHash(algorithmOf(digest));
    for await (const chunk of readFileRange(path, 0, size, signal)) hash.update(chunk);
    if (hash.digest('hex') !== hexOf(digest)) return false;
    if (intact.size >= mostRemembered) intact.clear();
    intact.set(path, identity);
    return true;
  } catch (error) {
    // A link that leads in a circle is replaced like any other wrong file.
    if (isMissing(error) || systemCode(error) === 'ELOOP') return false;
    throw toReadFault(error, path);
  }
}

/** The bytes of a file from one place to another, in large pieces. */
export async function* readFileRange(
  path: string,
  start: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await openRegularFile(path);
  try {
    for (let at = start; at < start + length; ) {
      signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(readSize, start + length - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A blob file from an offset to its real end, so that one that is too long is noticed as well. */
export async function* readBlobFile(
  folder: string,
  { digest }: Descriptor,
  offset: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const path = blobPath(folder, digest);
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (error) {
    if (!isMissing(error)) throw toReadFault(error, path);
    throw new Fault('NOT_FOUND', {
      what: `${folder} does not hold the blob ${digest}`,
      where: folder,
      cause: error,
    });
  }
  yield* readFileRange(path, offset, size - offset, signal);
}

/** The folders of a layout are real ones: through a link its blobs would be written somewhere else. */
export async function makeBlobFolder(folder: string, algorithm: DigestAlgorithm = 'sha256'): Promise<void> {
  await makeFolder(folder);
  for (const path of [join(folder, 'blobs'), join(folder, 'blobs', algorithm)]) {
    try {
      await mkdir(path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw toWriteFault(error, path);
      if ((await lstat(path)).isDirectory()) continue;
      throw new Fault('FILE_INVALID', {
        what: `${path} is not a folder of this layout`,
        where: path,
        expected: 'a folder',
        actual: 'a link or a file',
      });
    }
  }
}

/** Writes a blob under a temporary name and gives it its name at the end; an error leaves nothing behind. */
export async function writeBlobFile(
  folder: string,
  digest: Digest,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const path = blobPath(folder, digest);
  const temporary = join(folder, `.${hexOf(digest).slice(0, 12)}.${randomUUID()}.tmp`);
  await makeBlobFolder(folder, algorithmOf(digest));
  try {
    const file = await open(temporary, 'wx');
    try {
      await writeAll(file, bytes);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw toWriteFault(error, path);
  }
}

/** Small pieces are gathered: one system call for each megabyte. */
async function writeAll(file: FileHandle, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let pending: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    await writeWhole(file, pending, size);
    pending = [];
    size = 0;
  };
  for await (const chunk of bytes) {
    pending.push(chunk);
    size += chunk.length;
    if (size >= writeSize) await flush();
  }
  if (size > 0) await flush();
}

async function writeWhole(file: FileHandle, chunks: Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev(chunks);
  if (bytesWritten === size) return;
  // A short write is rare (signals, quotas); the rest goes out piece by piece.
  let rest = Buffer.concat(chunks).subarray(bytesWritten);
  while (rest.length > 0) {
    const written = await file.write(rest);
    rest = rest.subarray(written.bytesWritten);
  }
}

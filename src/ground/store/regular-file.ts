import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from '../fault/fault.ts';
import { systemCode } from './write-fault.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'reading is not permitted',
  EPERM: 'reading is not permitted',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EISDIR: 'it is a folder',
  ENXIO: 'it is a socket',
};

/** The error as a fault when the system would not let us read; what is missing and any other error as it is. */
export function toReadFault(error: unknown, where: string): unknown {
  const reason = reasons[systemCode(error) ?? ''];
  if (reason === undefined) return error;
  return new Fault('FILE_MISSING', { what: `${where} could not be read: ${reason}`, where, cause: error });
}

/**
 * Opens a file that others may have planted: a pipe or a device in its place is refused and never waited for.
 * A file that is missing throws what the system said, because callers often know better what that means.
 */
export async function openRegularFile(path: string, o: { readonly next?: string } = {}): Promise<FileHandle> {
  return (await openWithSize(path, o)).file;
}

interface OpenFile {
  readonly file: FileHandle;
  readonly size: number;
}

async function openWithSize(path: string, o: { readonly next?: string } = {}): Promise<OpenFile> {
  // Without O_NONBLOCK opening a pipe would wait for somebody who writes to it.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  let file: FileHandle;
  try {
    file = await open(path, flags);
  } catch (error) {
    throw toReadFault(error, path);
  }
  const found = await file.stat();
  if (found.isFile()) return { file, size: found.size };
  await file.close();
  throw new Fault('FILE_INVALID', {
    what: `${path} is not a file`,
    where: path,
    ...(o.next !== undefined && { next: o.next }),
  });
}

/** The whole of a file, whatever its size is said to be; undefined when it is larger than the limit. */
export async function readRegularFile(path: string, limit: number): Promise<Buffer | undefined> {
  const { file, size } = await openWithSize(path);
  try {
    if (size > limit) return undefined;
    const chunks: Buffer[] = [];
    for (let at = 0; at <= limit; ) {
      const room = Buffer.allocUnsafe(Math.min(limit + 1 - at, Math.max(size + 1 - at, 65_536)));
      const { bytesRead } = await file.read(room, 0, room.length, at);
      chunks.push(room.subarray(0, bytesRead));
      at += bytesRead;
      // Of an ordinary file less comes only at its end; one of /proc says that it is empty and is not.
      if (bytesRead === 0 || (size > 0 && bytesRead < room.length && at >= size))
        return at > limit ? undefined : Buffer.concat(chunks, at);
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/**
 * The same for small files that are read by the thousand, one after the other: each step through the thread pool takes
 * longer than the file itself.
 */
export function readSmallFile(path: string, limit: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw toReadFault(error, path);
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new Fault('FILE_INVALID', { what: `${path} is not a file`, where: path });
    if (found.size > limit) return undefined;
    const chunks: Buffer[] = [];
    for (let at = 0; at <= limit; ) {
      const room = Buffer.allocUnsafe(Math.min(limit + 1 - at, Math.max(found.size + 1 - at, 4096)));
      const count = readSync(file, room, 0, room.length, at);
      chunks.push(room.subarray(0, count));
      at += count;
      if (count === 0 || (found.size > 0 && count < room.length && at >= found.size))
        return at > limit ? undefined : Buffer.concat(chunks, at);
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

import type { FileHandle } from 'node:fs/promises';
import { Fault } from '../../../ground/fault/fault.ts';
import { openRegularFile } from '../../../ground/store/regular-file.ts';
import { isMissing } from '../../../ground/store/write-fault.ts';
import { indexTar, resolveEntry, type TarEntry } from './tar-index.ts';

const readSize = 1024 * 1024;

/** An archive on disk whose files are read in place, by offset, without unpacking. */
export class ArchiveFile {
  readonly path: string;
  readonly #entries: ReadonlyMap<string, TarEntry>;

  private constructor(path: string, entries: ReadonlyMap<string, TarEntry>) {
    this.path = path;
    this.#entries = entries;
  }

  static async open(path: string): Promise<ArchiveFile> {
    return await withFile(path, async file => {
      const start = Buffer.alloc(4);
      await file.read(start, 0, 4, 0);
      const compression = sniffCompression(start);
      if (compression !== 'none') {
        throw new Fault('UNSUPPORTED', {
          what: `${path} is compressed, and its parts can only be read in place from a plain tar`,
          where: path,
          actual: compression,
          next: compression === 'gzip' ? `gunzip ${path}` : `unzstd ${path}`,
        });
      }
      return new ArchiveFile(path, await indexTar(file, path));
    });
  }

  find(name: string): TarEntry | undefined {
    return resolveEntry(this.#entries, name);
  }

  async *read({ offset, size }: TarEntry, from = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await openFile(this.path);
    try {
      for (let at = offset + from; at < offset + size; ) {
        signal?.throwIfAborted();
        const buffer = Buffer.allocUnsafe(Math.min(readSize, offset + size - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  /** A small file as a whole; undefined when it is missing. */
  async readSmall(name: string, limit: number): Promise<Buffer | undefined> {
    const entry = this.find(name);
    if (entry === undefined) return undefined;
    if (entry.size > limit) {
      throw new Fault('LIMIT_EXCEEDED', {
        what: `${name} in ${this.path} is larger than cg is willing to read`,
        where: this.path,
        expected: `at most ${limit} bytes`,
        actual: `${entry.size} bytes`,
      });
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(entry)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

export function sniffCompression(start: Uint8Array): 'none' | 'gzip' | 'zstd' {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  return start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd ? 'zstd' : 'none';
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openFile(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await openRegularFile(path, { next: `for a layout folder write oci:${path}` });
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('FILE_MISSING', {
      what: `${path} could not be ${isMissing(error) ? 'found' : 'read'}`,
      where: path,
      cause: error,
    });
  }
  return file;
}

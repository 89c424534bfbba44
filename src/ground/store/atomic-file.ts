import { randomUUID } from 'node:crypto';
import { closeSync, fdatasync, openSync, renameSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from './sync-folder.ts';
import { toWriteFault } from './write-fault.ts';

export interface AtomicWrite {
  /** Where the temporary name lies: the same file system as the target. The target's own folder by default. */
  readonly temporaryFolder?: string;
  /** Survive a power cut, not only a kill: the bytes and the folder entry are on the device before it returns. */
  readonly durable?: boolean;
  readonly mode?: number;
}

const small = 64 * 1024;
const bringToDevice = promisify(fdatasync);

/** A whole file under a temporary name: give it its name, or discard it. */
export interface PreparedFile {
  commit(path: string): Promise<void>;
  discard(): Promise<void>;
}

/** Writes a whole file or nothing: readers see the old bytes or the new ones, and a failure leaves no trace. */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  o: AtomicWrite = {},
): Promise<void> {
  const folder = dirname(path);
  const file = await prepareFile(o.temporaryFolder ?? folder, basename(path), bytes, o);
  await file.commit(path);
  if (o.durable === true) await syncFolder(folder);
}

/** The slow half of an atomic write, so that a caller can do only the renames under a lock. */
export async function prepareFile(
  folder: string,
  name: string,
  bytes: Uint8Array | string,
  o: Pick<AtomicWrite, 'durable' | 'mode'> = {},
): Promise<PreparedFile> {
  const temporary = join(folder, `.${name.slice(0, 100)}.${randomUUID()}.tmp`);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    await writeNewFile(temporary, bytes, o);
  } catch (error) {
    await discard();
    throw toWriteFault(error, join(folder, name));
  }
  const commit = async (path: string): Promise<void> => {
    try {
      renameSync(temporary, path);
    } catch (error) {
      await discard();
      throw toWriteFault(error, path);
    }
  };
  return { commit, discard };
}

/** All of what is being prepared, or nothing: when one fails, what the others have written goes away. */
export async function prepareAll<T extends { discard(): Promise<void> } | undefined>(
  work: readonly Promise<T>[],
): Promise<readonly T[]> {
  const results = await Promise.allSettled(work);
  const failed = results.find(result => result.status === 'rejected');
  const prepared = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  if (failed === undefined) return prepared;
  for (const each of prepared) await each?.discard();
  throw failed.reason;
}

/**
 * The kernel takes a small file into its memory in microseconds; handing each step to another thread would cost
 * ten times as much. Only the device is worth waiting for.
 */
async function writeNewFile(
  path: string,
  bytes: Uint8Array | string,
  o: Pick<AtomicWrite, 'durable' | 'mode'>,
): Promise<void> {
  if (bytes.length > small) return await writeLargeFile(path, bytes, o);
  const file = openSync(path, 'wx', o.mode ?? 0o644);
  try {
    writeFileSync(file, bytes);
    if (o.durable === true) await bringToDevice(file);
  } finally {
    closeSync(file);
  }
}

async function writeLargeFile(
  path: string,
  bytes: Uint8Array | string,
  o: Pick<AtomicWrite, 'durable' | 'mode'>,
): Promise<void> {
  const file = await open(path, 'wx', o.mode ?? 0o644);
  try {
    await file.writeFile(bytes);
    if (o.durable === true) await file.datasync();
  } finally {
    await file.close();
  }
}

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, hasCode } from '../fault/fault.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

export interface MachineLockOptions {
  readonly signal?: AbortSignal;
  /** How long to wait for others before going on without the lock. */
  readonly patience?: number;
  /** Where the locks are; for tests. */
  readonly root?: string;
}

const defaultPatience = 60_000;
const longestPause = 25;
/** Few files for ever; two keys that share one merely wait for each other. */
const lockCount = 256;

/**
 * Processes of one user on one machine take turns at what has this key. It is a courtesy: where no lock can be had,
 * or others keep it for too long, the work goes on without, so nothing may depend on it alone.
 */
export async function takeTurns<T>(
  key: string,
  work: () => Promise<T>,
  o: MachineLockOptions = {},
): Promise<T> {
  const lock = await waitForLock(key, o);
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

async function waitForLock(key: string, o: MachineLockOptions): Promise<FolderLock | undefined> {
  const root = o.root ?? defaultRoot();
  if (!isOurs(root)) return undefined;
  const bucket = createHash('sha256').update(key).digest().readUInt8(0) % lockCount;
  const folder = join(root, String(bucket));
  const deadline = Date.now() + (o.patience ?? defaultPatience);
  for (;;) {
    try {
      return lockFolder(folder, 'cg, changing a tag');
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (!hasCode(error, 'FOLDER_IN_USE') || Date.now() > deadline) return undefined;
    }
    // A fixed rhythm would let the same process win again and again.
    await sleep(
      1 + Math.random() * longestPause,
      undefined,
      o.signal === undefined ? {} : { signal: o.signal },
    );
  }
}

function defaultRoot(): string {
  return join(tmpdir(), `cascadeguard-locks-${process.getuid?.() ?? 'user'}`);
}

/** The folder for temporary files belongs to everybody: what somebody else put there is not ours. */
function isOurs(root: string): boolean {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const found = lstatSync(root);
    return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
  } catch {
    return false;
  }
}

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';

/** Keeps two processes from writing to one folder. The lock of a process that is gone is taken over. */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lock');
  if (!tryLock(path)) {
    const owner = Number(readFileSync(path, 'utf8'));
    if (isRunning(owner)) {
      throw new Fault('LOCAL_SIGSTORE_BUSY', {
        what: `Another process (${owner}) already serves this local Sigstore.`,
        where: folder,
        next: 'use the one that runs, stop it, or choose another folder with --data',
      });
    }
    rmSync(path, { force: true });
    if (!tryLock(path)) return lockFolder(folder);
  }
  return () => rmSync(path, { force: true });
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

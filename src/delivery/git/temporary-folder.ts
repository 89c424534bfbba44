import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const day = 24 * 60 * 60_000;
const mostLeftovers = 50;

/** A folder that is gone afterwards; what processes left that were killed a day ago goes as well. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftovers(tmpdir(), Date.now());
  // The name says whose it is, for those who come after us.
  const folder = await mkdtemp(join(tmpdir(), `cg-git-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Old, of this user, and of a process that is no more: in a shared folder a number alone says too little. */
export async function removeLeftovers(root: string, now: number): Promise<void> {
  const names = await readdir(root).catch(() => []);
  const ours = names.filter(name => /^cg-git-[1-9]\d{0,9}-[A-Za-z0-9]{6}$/.test(name));
  for (const name of ours.slice(0, mostLeftovers)) {
    const folder = join(root, name);
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true || found.uid !== (process.getuid?.() ?? found.uid)) continue;
    if (now - found.mtimeMs < day || isRunning(Number(name.split('-')[2]))) continue;
    // Another process may be at the same work; what cannot be removed stays.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const bringToDevice = promisify(fsync);

const running = new Map<string, Promise<void>>();
const waiting = new Map<string, Promise<void>>();

/**
 * Makes the names in a folder survive a power cut. Callers that arrive while a sync waits for its turn share it;
 * callers that arrive while one runs get the next, because the running one may have missed their name.
 */
export function syncFolder(folder: string): Promise<void> {
  const shared = waiting.get(folder);
  if (shared !== undefined) return shared;
  const mine = syncAfter(running.get(folder), folder);
  waiting.set(folder, mine);
  return mine;
}

async function syncAfter(before: Promise<void> | undefined, folder: string): Promise<void> {
  await before?.catch(() => undefined);
  // Not even without a sync before: the callers of this turn of the event loop belong together.
  await Promise.resolve();
  const mine = waiting.get(folder);
  waiting.delete(folder);
  if (mine) running.set(folder, mine);
  try {
    await syncNow(folder);
  } finally {
    if (running.get(folder) === mine) running.delete(folder);
  }
}

async function syncNow(folder: string): Promise<void> {
  // Windows cannot open folders; its file system journals names by itself.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    await bringToDevice(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Fault } from '../fault/fault.ts';
import { isMissing, toWriteFault } from './write-fault.ts';

/**
 * Makes a folder and those above it; one that is there is fine. Step by step, because mkdir's own recursion
 * never ends on a file system that refuses names (Node 20 in /proc).
 */
export async function makeFolder(path: string, o: { readonly mode?: number } = {}): Promise<void> {
  // At once: nearly always it is there, and a call that waits its turn costs ten times as much.
  if (isFolderNow(path)) return;
  const steps = climb(resolve(path));
  for (let step = steps.next(); step.done !== true; ) {
    const folder = step.value;
    const error = await mkdir(folder, o).then(
      () => undefined,
      (refused: unknown) => refused,
    );
    step = steps.next({ error, isFolder: error !== undefined && (await isFolder(folder)) });
  }
}

export function makeFolderSync(path: string): void {
  const steps = climb(resolve(path));
  for (let step = steps.next(); step.done !== true; ) {
    const folder = step.value;
    let error: unknown;
    try {
      mkdirSync(folder);
    } catch (refused) {
      error = refused;
    }
    step = steps.next({ error, isFolder: error !== undefined && isFolderNow(folder) });
  }
}

interface Outcome {
  readonly error: unknown;
  /** Nothing was made, because it is there. */
  readonly isFolder: boolean;
}

/** Up to the first folder that is there, then down again; a folder is tried at most once in each direction. */
function* climb(path: string): Generator<string, void, Outcome> {
  const waiting: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    const { error, isFolder: isThere } = yield folder;
    if (error === undefined || isThere) break;
    if (!isMissing(error) || folder === dirname(folder)) throw refusal(error, folder);
    waiting.push(folder);
  }
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { error, isFolder: isThere } = yield folder;
    if (error !== undefined && !isThere) throw refusal(error, folder);
  }
}

function refusal(error: unknown, where: string): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
    return new Fault('WRITE_FAILED', { what: `${where} is not a folder`, where, cause: error });
  }
  return toWriteFault(error, where);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

function isFolderNow(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

import { randomUUID } from 'node:crypto';

import { linkSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';

import { hostname } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../fault/fault.ts';
import { makeFolderSync } from './make-folder.ts';
import { isMissing, systemCode, toWriteFault } from './write-fault.ts';

/** Who owns a folder, as written into its lock file. */
export interface FolderOwner {
  readonly pid: number;
  /** When the process started, in the system's own units: a pid that was given away again does not fool us. */
  readonly started?: string;
  readonly host: string;
  /** Machine start and process namespace: what its pid means. Containers may share a host name, but not this. */
  readonly space?: string;
  /** What it does there, for the person who is refused: "cg registry serve". */
  readonly purpose: string;
  readonly since: string;
}

export interface FolderLock {
  readonly owner: FolderOwner;
  release(): void;
}

const lockName = 'owner.lock';
const heartbeat = 5_000;
/** An owner on another host (or in another container) is judged by its heartbeat alone. */
const silence = 30_000;

/** Makes this process the only owner of a folder, or throws FOLDER_IN_USE that names the one that has it. */
export function lockFolder(folder: string, purpose: string): FolderLock {
  const path = join(folder, lockName);
  const owner = describeSelf(purpose);
  try {
    makeFolderSync(folder);
    takeLock(path, owner, folder);
  } catch (error) {
    throw toWriteFault(error, path);
  }
  const timer = setInterval(() => touch(path), heartbeat);
  timer.unref();
  return { owner, release: () => releaseLock(path, owner, timer) };
}

/** The live owner of a folder, or undefined when nobody has it. */
export function findFolderOwner(folder: string): FolderOwner | undefined {
  const path = join(folder, lockName);
  const owner = readOwner(path);
  return owner !== undefined && isAlive(owner, path) ? owner : undefined;
}

function takeLock(path: string, owner: FolderOwner, folder: string): void {
  if (createWhole(path, owner)) return;
  // Only one process at a time may judge and remove a stale lock, or two could each remove the other's new one.
  const guard = `${path}.takeover`;
  for (let attempt = 0; attempt < 3; attempt++) {
    if (createWhole(guard, owner)) {
      try {
        const present = readOwner(path);
        if (present !== undefined && isAlive(present, path)) throw folderInUse(folder, present);
        rmSync(path, { force: true });
        if (createWhole(path, owner)) return;
      } finally {
        rmSync(guard, { force: true });
      }
    }
    const judging = readOwner(guard);
    if (judging !== undefined && isAlive(judging, guard)) throw folderInUse(folder, judging);
    if (judging !== undefined) rmSync(guard, { force: true });
  }
  throw folderInUse(folder, readOwner(path) ?? owner);
}

/** A lock file appears with its whole content or not at all: written aside, then linked to its name. */
function createWhole(path: string, owner: FolderOwner): boolean {
  const aside = `${path}.${randomUUID()}`;
  try {
    writeFileSync(aside, JSON.stringify(owner), { flag: 'wx', mode: 0o600 });
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function releaseLock(path: string, owner: FolderOwner, timer: NodeJS.Timeout): void {
  clearInterval(timer);
  const present = readOwner(path);
  if (present?.pid === owner.pid && present.since === owner.since) rmSync(path, { force: true });
}

function readOwner(path: string): FolderOwner | undefined {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<FolderOwner>;
    if (typeof read.pid !== 'number' || typeof read.host !== 'string') return strangeOwner;
    return { purpose: 'unknown', since: 'unknown', ...read, pid: read.pid, host: read.host };
  } catch (error) {
    return isMissing(error) ? undefined : strangeOwner;
  }
}

/** A lock file that nobody can read belongs to nobody that can be asked; its age decides. */
const strangeOwner: FolderOwner = { pid: -1, host: '', purpose: 'unknown', since: 'unknown' };

function isAlive(owner: FolderOwner, path: string): boolean {
  if (owner.host !== hostname() || (owner.space !== undefined && owner.space !== spaceOf())) {
    return ageOf(path) < silence;
  }
  const started = startOf(owner.pid);
  if (owner.started !== undefined && started !== undefined) return owner.started === started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

function describeSelf(purpose: string): FolderOwner {
  const started = startOf(process.pid);
  const space = spaceOf();
  return {
    pid: process.pid,
    ...(started !== undefined && { started }),
    host: hostname(),
    ...(space !== undefined && { space }),
    purpose,
    since: new Date().toISOString(),
  };
}

/** Undefined where the system does not tell. */
function spaceOf(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/PID/stat, counted after the command name, which may itself hold spaces and brackets. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .at(19);
  } catch {
    return undefined;
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // The folder may be gone; the next operation on it says so better than a heartbeat could.
  }
}

function folderInUse(folder: string, owner: FolderOwner): Fault {
  return new Fault('FOLDER_IN_USE', {
    what: `the folder belongs to process ${owner.pid} (${owner.purpose}, since ${owner.since})`,
    where: folder,
    expected: 'a folder that no other process owns',
    actual: `owned by process ${owner.pid} on host ${owner.host || 'unknown'}`,
    next: `stop process ${owner.pid}, or choose another folder with --data DIR`,
  });
}

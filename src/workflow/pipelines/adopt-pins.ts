import { type LockedPin, PinsLockFile } from '../../config/pins-lock-file.ts';
import { parseConfig } from '../../config/read-config.ts';
import type { Ownership } from '../../delivery/pipeline/ownership.ts';
import { findPins, newerPin, type Pin, type Pins } from '../../delivery/pipeline/pins.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';

export const pinsPath = '.cascadeguard/pins.lock.json';

type Locked = Readonly<Record<string, LockedPin>>;

export interface SeenFile {
  readonly path: string;
  readonly text: string;
  readonly status: Ownership;
}

export interface AdoptedPins {
  readonly pins: Pins;
  /** The lock file afterwards, when there is anything in it. */
  readonly lock?: string;
  readonly notes: readonly string[];
}

export function readLock(text: string | undefined): Locked {
  return text === undefined ? {} : parseConfig(pinsPath, text, PinsLockFile).value.pins;
}

/** What is used when nobody raised a pin in place: what the lock file says, then what this version of cg knows. */
export function effectivePins(base: Pins, locked: Locked): Pins {
  const entries = [...base].map(([name, pin]): [string, Pin] => {
    const own = Object.hasOwn(locked, name) ? locked[name] : undefined;
    // Somebody named another image since: what was adopted in the place of the old one is over.
    const isOver = own === undefined || (own.instead !== undefined && own.instead !== pin.at);
    return [name, isOver ? pin : toPin(own)];
  });
  return new Map(entries);
}

/** Takes over what a bot changed in our files, so that making them again keeps it. */
export function adoptPins(
  base: Pins,
  {
    locked,
    files,
    now,
  }: { readonly locked: Locked; readonly files: readonly SeenFile[]; readonly now: Date },
): AdoptedPins {
  const pins = new Map(effectivePins(base, locked));
  const kept: Record<string, LockedPin> = {};
  for (const [name, pin] of pins) {
    const own = Object.hasOwn(locked, name) ? locked[name] : undefined;
    if (own !== undefined && toPin(own).at === pin.at) kept[name] = own;
  }
  const notes: string[] = [];
  refuseMoved(pins, files.filter(isOurs));
  for (const [name, found] of newestOnDisk(files.filter(isOurs))) {
    const [known, first] = [pins.get(name), base.get(name)];
    if (known === undefined || first === undefined || known.at === found.pin.at) continue;
    // A file of an older cg has the pins of that one; only what a bot raised above ours is news.
    if (found.isStale && newerPin(known, found.pin) === known) continue;
    pins.set(name, found.pin);
    const isImage = found.pin.at.startsWith('sha256:');
    kept[name] = {
      ...defined({ version: found.pin.version }),
      ...(isImage ? { digest: found.pin.at, instead: first.at } : { sha: found.pin.at }),
      firstSeen: now.toISOString(),
      source: found.path,
    };
    notes.push(`adopted ${name} ${found.pin.version ?? found.pin.at} from ${found.path}`);
  }
  return { pins, notes, ...(Object.keys(kept).length > 0 && { lock: writeLock(kept) }) };
}

interface Found {
  readonly pin: Pin;
  readonly path: string;
  readonly isStale: boolean;
}

function newestOnDisk(files: readonly SeenFile[]): ReadonlyMap<string, Found> {
  const isStale = files.some(({ status }) => status === 'stale');
  const newest = new Map<string, Found>();
  for (const { path, text } of files) {
    for (const [name, pin] of findPins(text)) {
      const other = newest.get(name);
      if (other === undefined || newerPin(other.pin, pin) === pin) newest.set(name, { pin, path, isStale });
    }
  }
  return newest;
}

function isOurs({ status }: SeenFile): boolean {
  return status === 'current' || status === 'pins-differ' || status === 'stale';
}

/** Tags of images move every week; that of an action names one commit, or somebody moved it. */
function refuseMoved(known: Pins, files: readonly SeenFile[]): void {
  for (const { path, text } of files) {
    for (const [name, { at, version }] of findPins(text)) {
      const own = known.get(name);
      if (own === undefined || at === own.at || version === undefined || version !== own.version) continue;
      if (at.startsWith('sha256:')) continue;
      throw new Fault('PIN_MOVED', {
        what: `${name} ${version} is not the commit that it was`,
        where: path,
        expected: own.at,
        actual: at,
      });
    }
  }
}

function toPin({ version, sha, digest }: LockedPin): Pin {
  return { at: sha ?? digest ?? '', ...defined({ version }) };
}

function writeLock(pins: Locked): string {
  const sorted = Object.entries(pins).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ version: 1, pins: Object.fromEntries(sorted) }, undefined, 2)}\n`;
}

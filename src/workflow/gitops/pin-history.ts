import type { Snapshot } from '../../delivery/git/snapshot.ts';
import type { ImagePin } from '../../delivery/gitops/image-file.ts';
import { kustomizationFile } from '../../delivery/gitops/kustomization.ts';
import type { EnvironmentFile } from './edit-environment.ts';

/** A digest that an environment had, and since when. */
export interface PastPin {
  readonly digest: string;
  readonly tag?: string;
  /** Seconds since 1970: the commit that brought it. */
  readonly since: number;
  readonly commit: string;
}

/** By entry, newest first: the digest that it has, and the one before it. */
export type PinHistories = ReadonlyMap<string, readonly PastPin[]>;

const mostCommits = 500;
/** Versions of the file that are in memory at once. */
const atOnce = 15;

/**
 * What the history of the file of an environment tells of all its entries: each version is read once, newest first, until
 * every entry has shown what it had before.
 */
export async function readPinHistories(
  head: Snapshot,
  { path, pins }: EnvironmentFile,
): Promise<PinHistories> {
  const found = new Map(pins.map(({ name }) => [name, [] as PastPin[]]));
  const open = new Set(found.keys());
  const commits = await head.history(path, mostCommits);
  for (let at = 0; at < commits.length && open.size > 0; at += atOnce) {
    const part = commits.slice(at, at + atOnce);
    const texts = await head.readVersions(
      path,
      part.map(({ commit }) => commit),
    );
    for (const [index, { commit, time }] of part.entries()) {
      if (open.size === 0) break;
      for (const pin of pinsOf(texts[index])) {
        const past = open.has(pin.name) ? found.get(pin.name) : undefined;
        if (past !== undefined && isComplete(past, pin, { since: time, commit })) open.delete(pin.name);
      }
    }
  }
  return found;
}

function pinsOf(text: string | undefined): readonly ImagePin[] {
  const read = text === undefined ? undefined : kustomizationFile.find(text);
  return read === undefined || 'refusals' in read ? [] : read.pins;
}

/** True when the digest before the one before shows up: then both that are asked for are known, with their beginnings. */
function isComplete(
  past: PastPin[],
  { digest, tag }: ImagePin,
  came: Pick<PastPin, 'since' | 'commit'>,
): boolean {
  if (digest === undefined) return false;
  const last = past.at(-1);
  const entry = { digest, ...came, ...(tag !== undefined && { tag }) };
  // The oldest commit of a run of equal digests is the one that brought it.
  if (last?.digest === digest) past[past.length - 1] = entry;
  else if (past.length === 2) return true;
  else past.push(entry);
  return false;
}

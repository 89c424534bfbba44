import { Fault } from '../../../ground/fault/fault.ts';
import { takeTurns } from '../../../ground/store/machine-lock.ts';
import type { Manifest, TagChange } from '../registry.ts';
import {
  type Condition,
  type Fetched,
  getManifest,
  type ManifestPlace,
  nameOf,
  putManifest,
} from './manifests.ts';

/** Each round at least one writer gets through, so this many writers at once lose nothing. */
const writeAttempts = 40;
const longestPause = 2_000;

/**
 * Read, change, write, read again. Writers of this machine take turns; for those of others there are the ETag,
 * and, where a registry ignores it, a second look after a moment.
 */
export async function changeTag(
  place: ManifestPlace,
  tag: string,
  change: TagChange,
): Promise<Manifest | undefined> {
  const where = nameOf(place, tag);
  const o = place.signal === undefined ? {} : { signal: place.signal };
  return await place.session.locks.run(where, () =>
    takeTurns(where, () => changeUntilDone(place, tag, change), o),
  );
}

async function changeUntilDone(
  place: ManifestPlace,
  tag: string,
  change: TagChange,
): Promise<Manifest | undefined> {
  const where = nameOf(place, tag);
  const { timing } = place.session.http;
  for (let attempt = 1; attempt <= writeAttempts; attempt++) {
    const before = await getManifest(place, tag);
    if (change.isDone(before?.manifest)) return before?.manifest;
    const wanted = await change.apply(before?.manifest);
    const isWritten = await putManifest(place, tag, wanted, unchanged(before));
    await timing.sleep(Math.min(longestPause, attempt * (30 + 40 * timing.random())), place.signal);
    if (isWritten === false) continue;
    const after = await getManifest(place, tag);
    if (change.isDone(after?.manifest)) return after?.manifest;
  }
  throw new Fault('NETWORK', {
    what: `others change ${where} all the time; the entry could not be added`,
    where,
    next: 'run the command again',
  });
}

function unchanged(before: Fetched | undefined): Condition | undefined {
  if (before === undefined) return { 'if-none-match': '*' };
  return before.etag === undefined ? undefined : { 'if-match': before.etag };
}

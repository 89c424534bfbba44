import { nameBase } from '../fleet/base-name.ts';
import { BaseBook } from '../fleet/state/base-book.ts';
import { StateFolder } from '../fleet/state/state-folder.ts';
import { formatTimestamp } from '../fleet/state/timestamp.ts';
import type { Clock } from '../model/clock.ts';
import { publishedNames } from './images/check-fleet.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { readFleet, selectImages } from './images/read-fleet.ts';

export interface RecordBuildOptions extends FleetPlace {
  readonly clock: Clock;
  readonly image: string;
  /** What was published. */
  readonly digest: string;
  /** What it was built from: reference as in the Dockerfile, and the digest that it meant. */
  readonly bases: readonly { readonly reference: string; readonly digest: string }[];
}

/** Remembers a build, so that the next plan knows what has changed since. */
export async function recordBuild(o: RecordBuildOptions): Promise<void> {
  const fleet = await readFleet(o);
  const [image] = selectImages(fleet, [o.image]);
  if (image === undefined) return;
  const state = await StateFolder.open(fleet.root, o.stateDir);
  const book = new BaseBook(state);
  const own = publishedNames(fleet.images);
  const now = formatTimestamp(o.clock.now());
  const builtFrom = o.bases.flatMap(({ reference, digest }) => {
    const named = nameBase(reference);
    if ('problem' in named) return [];
    const { identity } = named.value.base;
    const name = own.get(identity) ?? book.get(identity)?.stem ?? named.value.base.stem;
    return [[name, digest] as const];
  });
  const file = state.file('images', image.name);
  file.set('name', image.name);
  if (file.isNew) file.set('enrolledAt', now);
  file.set('currentDigest', o.digest);
  file.set('lastBuilt', now);
  file.set('builtFrom', Object.fromEntries(builtFrom));
  await state.write();
}

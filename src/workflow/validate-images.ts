import { BaseBook } from '../fleet/state/base-book.ts';
import { StateFolder } from '../fleet/state/state-folder.ts';
import { checkFleet, findCycle, findNearOwn, refuseProblems } from './images/check-fleet.ts';
import { discoverFleet } from './images/discover-fleet.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { readFleet } from './images/read-fleet.ts';

export interface ValidatedImages {
  readonly file: string;
  readonly images: number;
  readonly managed: number;
  readonly external: number;
  readonly tracked: number;
  readonly warnings: readonly { readonly where: string; readonly message: string }[];
}

/** Throws all that is wrong with `images.yaml` at once, and gives what may be a mistake. */
export async function validateImages(o: FleetPlace): Promise<ValidatedImages> {
  const fleet = await readFleet(o);
  const { errors, warnings } = await checkFleet(fleet);
  const state = StateFolder.empty(fleet.root);
  const views = await discoverFleet(fleet.root, fleet.images, state, new BaseBook(state));
  const cycle = errors.length > 0 ? undefined : findCycle(fleet, views);
  refuseProblems(fleet.file, cycle === undefined ? errors : [...errors, cycle]);
  const count = (is: (image: (typeof fleet.images)[number]) => boolean) => fleet.images.filter(is).length;
  return {
    file: fleet.file,
    images: fleet.images.length,
    managed: count(({ isManaged }) => isManaged),
    external: count(({ enabled, isManaged }) => enabled && !isManaged),
    tracked: count(({ enabled }) => !enabled),
    warnings: [
      ...warnings.map(({ where, message }) => ({ where: where ?? fleet.file, message })),
      ...findNearOwn(views).map(message => ({ where: fleet.file, message })),
    ],
  };
}

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { hasCode } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import type { BuildImageOptions } from '../build-image.ts';
import { placeOf } from '../ci/plan/build-inputs.ts';
import type { FleetPlace } from '../images/fleet-place.ts';
import { type Fleet, readFleet } from '../images/read-fleet.ts';

export type NamedBuild = Pick<
  BuildImageOptions,
  'context' | 'dockerfile' | 'platforms' | 'buildArgs' | 'target'
> & { readonly destination?: string };

/**
 * What images.yaml says about the build of an image that is named; undefined where nobody knows the name, and for a
 * folder of that name when it is said where the image goes.
 */
export async function findNamedBuild(
  name: string,
  o: FleetPlace & { readonly isPlaced: boolean },
): Promise<NamedBuild | undefined> {
  if (o.isPlaced && (await isFolder(resolve(o.cwd, name)))) return undefined;
  const fleet = await readFleetIfThere(o);
  const image = fleet?.images.find(one => one.name === name);
  if (fleet === undefined || image === undefined) return undefined;
  const { registry, repository, target, platforms, buildArgs } = image;
  return {
    ...placeOf(fleet, image),
    platforms,
    buildArgs,
    ...defined({ target, destination: registry === undefined ? undefined : `${registry}/${repository}` }),
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function readFleetIfThere(o: FleetPlace): Promise<Fleet | undefined> {
  try {
    return await readFleet(o);
  } catch (error) {
    if (hasCode(error, 'FILE_MISSING')) return undefined;
    throw error;
  }
}

import { resolve } from 'node:path';
import { readBranch } from '../../../delivery/git/change-branch.ts';
import type { ImagePin } from '../../../delivery/gitops/image-file.ts';
import { type BumpImagesOptions, bumpImages, type PinnedImages, sameRepository } from '../../bump-images.ts';
import { readEnvironment } from '../../gitops/edit-environment.ts';
import { findEnvironment, readDeployment } from '../../gitops/environments.ts';
import { digestOf } from '../handover.ts';
import { readRelease } from './read-release.ts';

export interface BumpStage extends Omit<BumpImagesOptions, 'images' | 'add'> {
  /** What cg ci collect left. */
  readonly release: string;
}

export interface BumpedRelease extends PinnedImages {
  /** Images that the environment has no entry for. */
  readonly absent: readonly string[];
}

/** Pins the digests of a release that an environment does not run yet. What is pinned already is not asked for again. */
export async function bumpStage(o: BumpStage): Promise<BumpedRelease> {
  const refs = await readRelease(resolve(o.cwd, o.release));
  const deployment = await readDeployment(o);
  const environment = findEnvironment(deployment, o.environment);
  const { repository, branch } = deployment;
  const reach = {
    remote: repository,
    branch,
    env: o.env,
    ...(o.signal !== undefined && { signal: o.signal }),
  };
  const { pins, commit } = await readBranch(reach, async head => ({
    pins: (await readEnvironment(head, environment)).pins,
    commit: head.commit,
  }));
  const absent = refs.filter(ref => pinsOf(ref, pins).length === 0);
  // Where it runs none of them the release is meant for something else, and whoever edits the file says so.
  const isStrange = absent.length === refs.length;
  const open = isStrange
    ? refs
    : refs.filter(ref => pinsOf(ref, pins).some(pin => pin.digest !== digestOf(ref)));
  if (open.length > 0)
    return { ...(await bumpImages({ ...o, images: open })), absent: isStrange ? [] : absent };
  const nothing = { changes: [], pushed: false, attempts: 1, rendered: false };
  return { environment: environment.name, repository, branch, commit, ...nothing, absent };
}

function pinsOf(ref: string, pins: readonly ImagePin[]): readonly ImagePin[] {
  return pins.filter(pin => sameRepository(pin.newName ?? pin.name, ref.replace(/@.*$/, '')));
}

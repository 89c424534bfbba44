import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { projectFileName } from '../../../config/settings.ts';
import { Git } from '../../../delivery/git/git.ts';
import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { ignoreNothing, readIgnoreRules } from '../../../image/dockerfile/ignore.ts';
import { readDockerfile } from '../../build/read-dockerfile.ts';
import { type Fleet, readFleet } from '../../images/read-fleet.ts';
import { builtHere, placeOf, sharedBy } from './build-inputs.ts';
import { findMergeBase } from './merge-base.ts';
import type { PlannedImage } from './planned-image.ts';

export interface PlanRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A commit to compare with; without it what the CI says. */
  readonly base?: string;
  readonly signal?: AbortSignal;
}

/** For a change that is not merged: what it touches since it left its target. No registry is asked. */
export async function planRequest(
  fleet: Fleet,
  o: PlanRequest,
): Promise<{ readonly base?: string; readonly images: readonly PlannedImage[] }> {
  const git = new Git(fleet.root, o);
  const images = builtHere(fleet);
  const base = await findMergeBase(git, fleet, o);
  if (base === undefined) {
    const reason = 'nothing says where the change began';
    return { images: images.map(({ name }) => ({ image: name, build: true, reason })) };
  }
  const changed = await listChanged(git, base);
  const before = await readFleetAt(git, base, fleet, o);
  const touches = await Promise.all(images.map(image => touchesOf(fleet, image)));
  const unknown = changed.find(
    path =>
      touches.every(touch => touch(path) === undefined) &&
      sharedBy(fleet, path) === undefined &&
      !isOurs(fleet, path),
  );
  return {
    base,
    images: images.map((image, index) => {
      const reason =
        settingsReason(image, before) ??
        changed.map(path => touches[index]?.(path)).find(text => text !== undefined && text !== '') ??
        sharedReason(fleet, image, changed) ??
        (unknown === undefined ? undefined : `${unknown} changed, and could belong to any image`);
      return { image: image.name, build: reason !== undefined, reason: reason ?? 'nothing of it changed' };
    }),
  };
}

/** Everything between the merge base and the work tree; of a file that moved, both names. */
async function listChanged(git: Git, base: string): Promise<readonly string[]> {
  const options = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', '--relative'];
  const inside = await git.run(['diff', ...options, base, '--']);
  const everywhere = await git.run(['diff', ...options.slice(0, -1), base, '--']);
  const top = await git.text(['rev-parse', '--show-toplevel']);
  const split = (text: Buffer) => text.toString('utf8').split('\0').filter(Boolean);
  const outside = split(everywhere)
    .map(path => relative(git.folder, resolve(top, path)))
    .filter(path => path.startsWith('..'));
  return [...split(inside), ...outside];
}

/**
 * Whether a file is one of an image: a text says that it matters, an empty one that .dockerignore leaves it out,
 * and undefined that it is none of its business.
 */
async function touchesOf(fleet: Fleet, image: EnrolledImage): Promise<(path: string) => string | undefined> {
  const place = placeOf(fleet, image);
  const context = relative(fleet.root, place.context);
  const dockerfile = relative(fleet.root, place.dockerfile);
  const { ignoreFile } = await readDockerfile(fleet.root, place.context, place.dockerfile);
  const ignore = ignoreFile === undefined ? ignoreNothing : readIgnoreRules(ignoreFile);
  const always = new Set([dockerfile, `${dockerfile}.dockerignore`, join(context, '.dockerignore')]);
  return path => {
    if (always.has(path)) return `${path} changed`;
    const inner =
      context === '' ? path : path.startsWith(`${context}/`) ? path.slice(context.length + 1) : '';
    if (inner === '' || inner.startsWith('..')) return undefined;
    return ignore.isIgnored(inner) ? '' : `${path} changed`;
  };
}

function sharedReason(fleet: Fleet, { name }: EnrolledImage, changed: readonly string[]): string | undefined {
  const path = changed.find(one => {
    const users = sharedBy(fleet, one);
    return users === 'all' || users?.includes(name) === true;
  });
  return path === undefined ? undefined : `${path} changed, which it shares`;
}

/** images.yaml is compared by what it says; what is known of images builds none. */
function isOurs(fleet: Fleet, path: string): boolean {
  return (
    path === relative(fleet.root, resolve(fleet.root, fleet.file)) ||
    /^\.cascadeguard\/(?:images|base-images)\/[^/]+\.yaml$/.test(path)
  );
}

/** Whether its entry says the same as before, with all defaults applied. */
function settingsReason(image: EnrolledImage, before: Fleet | undefined): string | undefined {
  const then = before?.images.find(({ name }) => name === image.name);
  if (then === undefined) return 'it is new here';
  return JSON.stringify(then) === JSON.stringify(image) ? undefined : 'its entry changed';
}

/** The fleet as it was described then; one that cannot be read is none, and every image is new. */
async function readFleetAt(
  git: Git,
  commit: string,
  fleet: Fleet,
  o: PlanRequest,
): Promise<Fleet | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-plan-'));
  const name = relative(fleet.root, resolve(fleet.root, fleet.config.file));
  try {
    for (const file of [name, projectFileName]) {
      const { code, stdout } = await git.try(['show', `${commit}:./${file}`]);
      if (code !== 0) continue;
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), stdout);
    }
    return await readFleet({ cwd: folder, env: o.env, imagesYaml: name });
  } catch (error) {
    if (error instanceof Fault && error.kind === 'usage') return undefined;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

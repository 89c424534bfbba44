import { resolve } from 'node:path';
import { Git } from '../../../delivery/git/git.ts';
import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { ignoreNothing, readIgnoreRules } from '../../../image/dockerfile/ignore.ts';
import type { Dockerfile } from '../../../image/dockerfile/instruction.ts';
import type { BuildInputs, BuildRecord } from '../../../model/build-record.ts';
import { formatPlatform } from '../../../model/descriptor.ts';
import { readDockerfile } from '../../build/read-dockerfile.ts';
import { checkContext, choosePlatforms } from '../../build-image.ts';
import type { Fleet } from '../../images/read-fleet.ts';
import { hashFiles, hashTree, hashValue } from './hash-tree.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the work tree and the project say; only what the bases are now is missing. */
export type LocalInputs = Omit<BuildInputs, 'digest' | 'bases'>;

export interface BuildPlace {
  readonly dockerfile: string;
  readonly context: string;
}

/** Where an image is built from. Only what lies in this repository can be built. */
export function placeOf(fleet: Fleet, image: EnrolledImage): BuildPlace {
  if (image.dockerfile === undefined || !image.isManaged || image.remote !== undefined)
    throw new Fault('USAGE', {
      what: `${image.name} is not built in this repository`,
      where: fleet.file,
      next: 'cg images status',
    });
  return {
    dockerfile: resolve(fleet.root, image.dockerfile),
    context: resolve(fleet.root, image.context),
  };
}

/** The images that a pipeline of this repository builds. */
export function builtHere({ images }: Fleet): readonly EnrolledImage[] {
  return images.filter(
    ({ isManaged, remote, dockerfile }) => isManaged && remote === undefined && dockerfile !== undefined,
  );
}

/** How a difference is called. */
export const inputNames = {
  dockerfile: 'the Dockerfile',
  context: 'a file of the context',
  bases: 'a base image',
  settings: 'a build argument, a platform or the target',
  shared: 'a shared file',
} as const;

export async function hashInputs(
  fleet: Fleet,
  image: EnrolledImage,
  o: {
    readonly env: Environment;
    readonly signal?: AbortSignal;
    /** Paths of the context that no build could have had. */
    readonly except?: (path: string) => boolean;
  },
): Promise<{ readonly inputs: LocalInputs; readonly dockerfile: Dockerfile }> {
  const place = placeOf(fleet, image);
  await checkContext(place.context);
  const { dockerfile, ignoreFile } = await readDockerfile(fleet.root, place.context, place.dockerfile);
  const rules = ignoreFile === undefined ? ignoreNothing : readIgnoreRules(ignoreFile);
  const ignore = {
    ...rules,
    isIgnored: (path: string) => o.except?.(path) === true || rules.isIgnored(path),
  };
  return {
    dockerfile,
    inputs: {
      dockerfile: hashValue(dockerfile.text),
      context: await hashTree(place.context, ignore, o),
      settings: hashValue(settingsOf(image)),
      shared: await hashFiles(fleet.root, await listShared(fleet, image, o), o),
    },
  };
}

/** With what the bases are: all that decides what comes out of the build. */
export function joinInputs(
  { dockerfile, context, settings, shared }: LocalInputs,
  bases: BuildRecord['bases'],
): BuildInputs {
  const stands = bases.map(({ reference, digest }) => [reference, digest].join(' ')).toSorted();
  const parts = { dockerfile, context, bases: hashValue(stands), settings, shared };
  return { digest: hashValue(parts), ...parts };
}

/** Build arguments in any order mean the same; platforms make another index in another order. */
function settingsOf({ target, buildArgs, platforms }: EnrolledImage): unknown {
  const args = Object.entries(buildArgs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [target ?? null, args, choosePlatforms(platforms).map(formatPlatform)];
}

/** Whether the project maps a file to images: undefined when nothing speaks of it. */
export function sharedBy({ project }: Fleet, path: string): readonly string[] | 'all' | undefined {
  const rules = (project.ci?.shared ?? []).filter(({ paths }) =>
    readIgnoreRules(paths.join('\n')).isIgnored(path),
  );
  if (rules.length === 0) return undefined;
  return rules.some(({ images }) => images === undefined) ? 'all' : rules.flatMap(rule => rule.images ?? []);
}

async function listShared(
  fleet: Fleet,
  { name }: EnrolledImage,
  o: { readonly env: Environment; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const rules = (fleet.project.ci?.shared ?? []).filter(({ images }) => images?.includes(name) ?? true);
  if (rules.length === 0) return [];
  const { isIgnored } = readIgnoreRules(rules.flatMap(({ paths }) => paths).join('\n'));
  const listed = await new Git(fleet.root, o).run(['ls-files', '-z', '--cached']);
  return listed.toString('utf8').split('\0').filter(Boolean).filter(isIgnored);
}

/** Files that a build would take and that no commit holds, as a test leaves them: with them no two builds are equal. */
export async function findStrays(
  fleet: Fleet,
  image: EnrolledImage,
  o: { readonly env: Environment; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const place = placeOf(fleet, image);
  const { ignoreFile } = await readDockerfile(fleet.root, place.context, place.dockerfile);
  const ignore = ignoreFile === undefined ? ignoreNothing : readIgnoreRules(ignoreFile);
  const listed = await listOthers(place.context, o);
  return listed.split('\0').filter(path => path !== '' && !ignore.isIgnored(path));
}

/** Outside of a repository, and without Git, nothing is known to be missing in it. */
async function listOthers(
  folder: string,
  o: { readonly env: Environment; readonly signal?: AbortSignal },
): Promise<string> {
  try {
    const { code, stdout } = await new Git(folder, o).try(['ls-files', '-z', '--others', '--', '.']);
    return code === 0 ? stdout.toString('utf8') : '';
  } catch (error) {
    o.signal?.throwIfAborted();
    if (hasCode(error, 'TOOL_FAILED')) return '';
    throw error;
  }
}

import { Fault } from '../../ground/fault/fault.ts';
import { pickEnvironment } from '../../ground/process/environment.ts';
import { run } from '../../ground/process/run.ts';
import type { Environment } from '../git/git.ts';
import { imagesOfManifests } from './rendered-images.ts';

/** The images that `kustomize build` makes of a folder; undefined where there is no kustomize to ask. */
export async function renderImages(
  folder: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<readonly string[] | undefined> {
  const manifests = await renderManifests(folder, env, signal);
  return manifests === undefined ? undefined : imagesOfManifests(manifests);
}

/** What `kustomize build` makes of a folder; undefined where there is no kustomize to ask. */
export async function renderManifests(
  folder: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const program = await findKustomize(env, signal);
  if (program === undefined) return undefined;
  const { code, stdout, stderr } = await run({
    program,
    args: ['build', folder],
    env: pickEnvironment(env),
    timeLimit: 60_000,
    ...(signal !== undefined && { signal }),
  });
  if (code === 0) return stdout.toString('utf8');
  throw new Fault('TOOL_FAILED', {
    what: 'kustomize cannot build this folder',
    where: folder,
    actual: stderr.toString('utf8').trim().split('\n').slice(-3).join('\n').slice(0, 1000),
  });
}

async function findKustomize(env: Environment, signal?: AbortSignal): Promise<string | undefined> {
  for (const program of [env['CG_KUSTOMIZE'], 'kustomize']) {
    if (program === undefined || program === '') continue;
    try {
      const { code } = await run({
        program,
        args: ['version'],
        env: pickEnvironment(env),
        timeLimit: 15_000,
        ...(signal !== undefined && { signal }),
      });
      if (code === 0) return program;
    } catch {
      signal?.throwIfAborted();
    }
  }
  return undefined;
}

export interface MeantImages {
  /** Repositories that the entries stood for before. */
  readonly before: ReadonlySet<string>;
  /** `repository@digest` */
  readonly after: ReadonlySet<string>;
  /** Those of `after` that must run then; of an entry that is new, nothing need run yet. */
  readonly running: ReadonlySet<string>;
}

/** What rendered before and after an edit: the images that were meant run then, and nothing else has gone or come. */
export function unexpectedChanges(
  before: readonly string[],
  after: readonly string[],
  meant: MeantImages,
): readonly string[] {
  const gone = subtract(before, after).filter(image => !meant.before.has(repositoryOf(image)));
  const come = subtract(after, before).filter(image => !meant.after.has(withoutTag(image)));
  const running = new Set(after.map(withoutTag));
  const absent = [...meant.running].filter(image => !running.has(image));
  return [
    ...gone.map(image => `${image} is gone`),
    ...come.map(image => `${image} has come`),
    // Another entry rewrites it, or nothing runs it: what is reported would not be what runs.
    ...absent.map(image => `${image} would not run`),
  ];
}

function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^:/]+$/, '');
}

/** `repository:tag@digest` is what `repository@digest` is. */
function withoutTag(image: string): string {
  return image.replace(/:[^:/@]+(?=@)/, '');
}

function subtract(from: readonly string[], what: readonly string[]): string[] {
  const left = [...what];
  return from.filter(item => {
    const at = left.indexOf(item);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}

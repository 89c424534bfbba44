import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Git } from '../../../delivery/git/git.ts';
import type { GitServer } from '../../../delivery/git/serve-git.ts';
import type { Clock } from '../../../model/clock.ts';
import type { Forge } from '../../../model/forge.ts';
import type { IdentityPattern } from '../../../model/identity.ts';

/** Where the story takes place: servers that run, folders that are its own, and a clock that it may move. */
export interface Workshop {
  readonly folder: string;
  /** The files of the bookstore as they ship. */
  readonly example: string;
  /** host:port of the registry. */
  readonly host: string;
  readonly sigstore: string;
  readonly issuer: string;
  readonly git: GitServer;
  readonly clock: Clock;
  readonly demoClock: DemoClock;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Runs ahead of the real clock by as much as the story says aloud. */
export class DemoClock implements Clock {
  readonly #real: Clock;
  #ahead = 0;

  constructor(real: Clock) {
    this.#real = real;
  }

  now(): Date {
    return new Date(this.#real.now().getTime() + this.#ahead);
  }

  advance(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

/** Nothing of this machine's configuration plays a part, and nothing of it is touched. */
export function storyEnvironment(env: Workshop['env'], folder: string): Workshop['env'] {
  return {
    PATH: env['PATH'],
    TMPDIR: env['TMPDIR'],
    HOME: join(folder, 'home'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    CG_KUSTOMIZE: env['CG_KUSTOMIZE'],
  };
}

/** Begins anew: what an earlier run left, whole or in the middle, is cleared away. Images in the registry stay. */
export async function clearWorkshop(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'home'), { recursive: true });
}

const placeholders = { registry: '127.0.0.1:5000', issuer: 'https://issuer.invalid' };

/** Copies a folder of the example, with the addresses of what really runs. */
export async function copyExample(workshop: Workshop, from: string, to: string): Promise<string> {
  const target = join(workshop.folder, to);
  await cp(join(workshop.example, from), target, { recursive: true });
  for (const entry of await readdir(target, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'utf8');
    const replaced = text
      .replaceAll(placeholders.registry, workshop.host)
      .replaceAll(placeholders.issuer, workshop.issuer);
    if (replaced !== text) await writeFile(path, replaced);
  }
  return target;
}

const author = ['-c', 'user.name=A Developer', '-c', 'user.email=developer@noreply.invalid'];

/** Commits everything in a work tree and pushes it; gives the commit. */
export async function commitAndPush(
  workshop: Workshop,
  work: string,
  remote: string,
  message: string,
): Promise<string> {
  const git = new Git(work, { env: workshop.env, signal: workshop.signal });
  const { code } = await git.try(['rev-parse', '--git-dir']);
  if (code !== 0) await git.run(['init', '--quiet', '--initial-branch=main']);
  await git.run(['config', 'remote.origin.url', remote]);
  await git.run(['add', '--all']);
  await git.run([...author, 'commit', '--quiet', '--message', message]);
  await git.run(['push', '--quiet', 'origin', 'main']);
  return await git.text(['rev-parse', 'HEAD']);
}

/** Which forge builds a service: half of the shop lives on each. */
export type { Forge } from '../../../model/forge.ts';

export const workflows: Readonly<Record<Forge, string>> = {
  github: 'https://github.com/bookstore/shop/.github/workflows/release.yml@refs/heads/main',
  gitlab: 'https://gitlab.com/bookstore/shop//.gitlab-ci.yml@refs/heads/main',
};

export function identityOf(forge: Forge, { issuer }: Workshop): IdentityPattern {
  return { issuer, subject: workflows[forge] };
}

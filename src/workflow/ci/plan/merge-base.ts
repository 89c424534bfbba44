import type { Git } from '../../../delivery/git/git.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Fleet } from '../../images/read-fleet.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the change left its target; undefined when nothing says so, or the checkout is too shallow to know. */
export async function findMergeBase(
  git: Git,
  fleet: Fleet,
  o: { readonly env: Environment; readonly base?: string },
): Promise<string | undefined> {
  if (o.base !== undefined) {
    const named = (await findCommit(git, o.base)) ?? (await findCommit(git, `origin/${o.base}`));
    const found = named === undefined ? undefined : await ask(git, ['merge-base', named, 'HEAD']);
    if (found !== undefined) return found;
    throw new Fault('USAGE', {
      what: `"${o.base.slice(0, 100)}" is no commit that this checkout can be compared with`,
      expected: 'a branch or commit that shares history with HEAD',
      next: 'fetch the whole history: fetch-depth: 0 (GitLab: GIT_DEPTH: 0)',
    });
  }
  for (const name of namesOf(fleet, o.env)) {
    const commit = await findCommit(git, name);
    const found = commit === undefined ? undefined : await ask(git, ['merge-base', commit, 'HEAD']);
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesOf(fleet: Fleet, env: Environment): readonly string[] {
  const branches = [
    env['GITHUB_BASE_REF'],
    env['CI_MERGE_REQUEST_TARGET_BRANCH_NAME'],
    fleet.settings.get('git.baseBranch'),
  ];
  const [first] = branches.filter((name): name is string => typeof name === 'string' && name !== '');
  // Only where the CI names no target the usual ones are meant.
  return [
    ...(env['CI_MERGE_REQUEST_DIFF_BASE_SHA'] ? [env['CI_MERGE_REQUEST_DIFF_BASE_SHA']] : []),
    ...(first === undefined ? ['origin/HEAD', 'origin/main', 'main'] : [`origin/${first}`, first]),
  ];
}

async function findCommit(git: Git, name: string): Promise<string | undefined> {
  return await ask(git, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
}

async function ask(git: Git, args: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await git.try(args);
  const text = stdout.toString('utf8').trim();
  return code === 0 && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

import { Git, type GitOptions } from '../../../delivery/git/git.ts';
import { hasCode } from '../../../ground/fault/fault.ts';

/** Why what was built from a commit is not taken for this one; undefined where the history of this one has it. */
export async function problemOfCommit(
  root: string,
  commit: string | undefined,
  o: GitOptions & { readonly of?: string },
): Promise<string | undefined> {
  if (commit === undefined) return 'from a commit that its provenance does not name';
  const git = new Git(root, o);
  try {
    const { code } = await git.try(['merge-base', '--is-ancestor', commit, o.of ?? 'HEAD']);
    if (code === 0) return undefined;
    const shallow = await git.try(['rev-parse', '--is-shallow-repository']);
    if (shallow.code !== 0) return `from ${commit}, and here is no history that could have it`;
    return shallow.stdout.toString('utf8').trim() === 'true'
      ? `from ${commit}, and this checkout is too shallow to have it (fetch-depth: 0; GitLab: GIT_DEPTH: 0)`
      : `from ${commit}, which is not in the history of this checkout`;
  } catch (error) {
    o.signal?.throwIfAborted();
    if (hasCode(error, 'TOOL_FAILED'))
      return `from ${commit}, and without Git nothing says whose history has it`;
    throw error;
  }
}

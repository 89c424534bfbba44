import { createGithubProgress } from '../ground/progress/github.ts';
import { createGitlabProgress } from '../ground/progress/gitlab.ts';
import { createPlainProgress, type ProgressTarget } from '../ground/progress/plain.ts';
import { noProgress, type Progress } from '../ground/progress/progress.ts';
import { createTerminalProgress } from '../ground/progress/terminal.ts';
import type { Style } from '../ground/terminal/style.ts';
import { forgeOfJob } from '../model/forge.ts';
import type { World } from './context.ts';

/** Chooses how progress is shown: nothing, a moving line, plain lines, GitHub groups or GitLab sections. */
export function openProgress(
  world: World,
  wishes: { readonly quiet: boolean; readonly verbose: boolean },
  style: Style,
): { progress: Progress; close: () => void } {
  if (wishes.quiet) return { progress: noProgress, close: () => {} };
  const target: ProgressTarget = {
    write: text => void world.stderr.write(text),
    style,
    verbose: wishes.verbose,
    now: () => world.clock.now().getTime(),
  };
  const still = (progress: Progress) => ({ progress, close: () => {} });
  const forge = forgeOfJob(world.env);
  if (forge === 'github') return still(createGithubProgress(target));
  if (forge === 'gitlab') return still(createGitlabProgress(target));
  if (world.stderr.isTTY !== true || world.env.CI || world.env.TERM === 'dumb')
    return still(createPlainProgress(target));
  const terminal = createTerminalProgress({ ...target, columns: () => world.stderr.columns ?? 80 });
  return { progress: terminal, close: terminal.close };
}

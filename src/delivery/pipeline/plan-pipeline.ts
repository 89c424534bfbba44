import { Fault } from '../../ground/fault/fault.ts';
import type { Stage } from './jobs/making.ts';
import { mergeJobs } from './jobs/merge-jobs.ts';
import { nightlyJobs } from './jobs/nightly-jobs.ts';
import { releaseJobs } from './jobs/release-jobs.ts';
import { requestJobs } from './jobs/request-jobs.ts';
import type { Pipeline, PipelineImage } from './model.ts';

export interface PipelineWishes {
  readonly images: readonly PipelineImage[];
  readonly branch: string;
  /** The environment that every merge goes to; without it images end in the registry. */
  readonly stage?: Stage;
  /** The one after it, which releases go to. */
  readonly nextStage?: Stage;
}

/** GitHub ends a matrix there, and GitLab's free pipelines are not much longer. */
export const mostImages = 256;

/** The one pipeline behind both forges: what is built is scanned, proven, verified, and only then tagged. */
export function planPipeline({ images, branch, stage, nextStage }: PipelineWishes): Pipeline {
  for (const { name } of images) refuseUnlessName(name, 'the name of an image');
  for (const one of [stage, nextStage])
    if (one !== undefined) refuseUnlessName(one.name, 'the name of an environment');
  refuseUnlessBranch(branch);
  refuseTooMany(images);
  return {
    images,
    branch,
    jobs: [
      ...requestJobs(),
      ...mergeJobs(stage),
      ...releaseJobs(nextStage),
      // Without an environment nothing says what is deployed.
      ...(stage === undefined ? [] : nightlyJobs()),
    ],
    concurrency: { pr: 'replace', merge: 'wait', release: 'wait', nightly: 'wait' },
  };
}

/** Both forges evaluate expressions in names of jobs and environments, and have no way to escape them. */
function refuseUnlessName(name: string, what: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name) && !name.includes('..')) return;
  throw new Fault('FILE_INVALID', {
    what: `${what} cannot stand in a pipeline`,
    expected: 'letters, digits, ".", "_" and "-", at most 63',
    actual: name.slice(0, 100),
  });
}

function refuseUnlessBranch(branch: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/.test(branch)) return;
  throw new Fault('FILE_INVALID', {
    what: 'the name of the branch cannot stand in a pipeline',
    expected: 'letters, digits, ".", "_", "/" and "-"',
    actual: branch.slice(0, 100),
  });
}

function refuseTooMany(images: readonly PipelineImage[]): void {
  if (images.length <= mostImages) return;
  throw new Fault('FILE_INVALID', {
    what: `${images.length} images are more than one pipeline can fan out to`,
    expected: `at most ${mostImages}, the legs that a matrix of GitHub may have`,
    next: 'give some of them a repository of their own, or build.enabled: false in images.yaml',
  });
}

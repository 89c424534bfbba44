import type { Job } from '../model.ts';
import { bumpJob, job, of, type Stage } from './making.ts';

/** Nothing is built: what the merge of the commit published gets a version, and goes to the environment after the first. */
export function releaseJobs(stage: Stage | undefined): readonly Job[] {
  return [promoteJob(), ...(stage === undefined ? [] : [releaseBumpJob(stage)])];
}

/** It signs nothing, so it has no identity. */
function promoteJob(): Job {
  const release = of('release');
  const calls = [
    ['ci', 'resolve', '--commit', of('commit'), '--verify', '--policy', 'policy.yaml', '--out', release],
    ['ci', 'tag', '--release', release, '--version', of('version')],
  ];
  return {
    ...job('promote', 'release', 'trusted', 20, { contents: 'read', registry: 'write' }),
    reasons: { registry: 'add version tags to existing digests' },
    steps: [{ calls, token: true }],
    gives: [{ name: 'cg-release', days: 30 }],
    lock: 'cg-release',
    history: true,
  };
}

function releaseBumpJob(stage: Stage): Job {
  return { ...bumpJob('release', stage), needs: ['promote'], takes: ['cg-release'] };
}

import type { Job } from '../model.ts';
import { bumpJob, job, of, type Stage, step, updateAdvisories } from './making.ts';
import { planJob } from './plan-job.ts';

/** What is built is scanned, proven, verified, and only then tagged; with an environment, it is pinned there. */
export function mergeJobs(stage: Stage | undefined): readonly Job[] {
  return [planJob('merge'), buildJob(), scanJob(), signJob(), deliverJob(stage)];
}

/** It runs what the user wrote, so it can push by digest and prove nothing. */
function buildJob(): Job {
  const image = of('image');
  const build = step(['ci', 'build', image, '--push-by-digest', '--no-cache-import', '--out', of('output')]);
  return {
    ...job('build', 'merge', 'userCode', 45, { contents: 'read', registry: 'write' }),
    reasons: { registry: 'push by digest, untagged' },
    perImage: true,
    needs: ['plan'],
    steps: [step(['ci', 'test', image]), { ...build, token: true }],
    outputs: ['ref', 'record'],
    gives: [{ name: 'cg-build', days: 1 }],
  };
}

function scanJob(): Job {
  const words = ['ci', 'scan', of('reference'), '--image', of('image'), '--sbom', '--out', of('scan')];
  return {
    ...job('scan', 'merge', 'thirdPartyTool', 20, { contents: 'read', registry: 'read' }),
    reasons: { registry: 'pull only: scanners never see a write or OIDC credential' },
    perImage: true,
    needs: ['build'],
    takes: ['cg-build'],
    steps: [{ ...step(updateAdvisories, words), token: true }],
    gives: [{ name: 'cg-scan', days: 30, always: true }],
  };
}

/** The only job with an identity; signature and statements are of one subject, so they are made together. */
function signJob(): Job {
  const [reference, scan] = [of('reference'), of('scan')];
  const calls = [
    ['ci', 'gate', reference, '--scan', scan],
    ['ci', 'attest', reference, '--scan', scan],
    ['ci', 'sign', reference],
    ['ci', 'verify', reference, '--policy', 'policy.yaml'],
    ['ci', 'publish', reference, '--image', of('image'), '--out', of('result')],
  ];
  return {
    ...job('sign', 'merge', 'trusted', 15, { contents: 'read', registry: 'write', oidc: 'sigstore' }),
    reasons: {
      registry: 'attach signature, SBOM, provenance, scan attestations; add tag',
      oidc: 'Fulcio certificate',
    },
    perImage: true,
    needs: ['build', 'scan'],
    takes: ['cg-build', 'cg-scan'],
    steps: [step(updateAdvisories), { calls, token: true, record: true }],
    gives: [{ name: 'cg-result', days: 30 }],
  };
}

/** All results or none; with an environment, that is where they go. */
function deliverJob(stage: Stage | undefined): Job {
  const words = ['ci', 'collect', '--expect', of('images'), '--kept', of('kept'), '--results', of('results')];
  const collect = { ...step([...words, '--verify', '--out', of('release')]), token: true };
  const shared: Pick<Job, 'needs' | 'takes' | 'reasons'> = {
    needs: ['plan', 'sign'],
    takes: ['cg-result'],
    reasons: { registry: 'look up what was published' },
  };
  if (stage !== undefined) {
    const bump = bumpJob('merge', stage);
    return { ...bump, ...shared, steps: [collect, ...bump.steps] };
  }
  return {
    ...job('collect', 'merge', 'trusted', 10, { contents: 'read', registry: 'read' }),
    ...shared,
    steps: [collect],
    gives: [{ name: 'cg-release', days: 30 }],
  };
}

import { Fault } from '../../ground/fault/fault.ts';
import type { Call, Credentials, Job, Meaning, Pipeline, PipelineImage, Step, Word } from './model.ts';

export interface PipelineWishes {
  readonly images: readonly PipelineImage[];
  readonly branch: string;
  /** The environment that every merge goes to; without it images end in the registry. */
  readonly stage?: FirstStage;
}

export interface FirstStage {
  readonly name: string;
  /** The environment says itself what an image must prove. */
  readonly hasPolicy: boolean;
}

/** GitHub ends a matrix there, and GitLab's free pipelines are not much longer. */
export const mostImages = 256;

/** The one pipeline behind both forges: what is built is scanned, proven, verified, and only then tagged. */
export function planPipeline({ images, branch, stage }: PipelineWishes): Pipeline {
  for (const { name } of images) refuseUnlessName(name, 'the name of an image');
  if (stage !== undefined) refuseUnlessName(stage.name, 'the name of an environment');
  refuseUnlessBranch(branch);
  refuseTooMany(images);
  return {
    images,
    branch,
    jobs: [
      planJob('pr'),
      requestJob(),
      requiredJob(),
      planJob('merge'),
      buildJob(),
      scanJob(),
      signJob(),
      deliverJob(stage),
    ],
    concurrency: { pr: 'replace', merge: 'wait' },
  };
}

/** A job begins on an empty machine, and without advisories a scan has no verdict. */
const updateAdvisories: Call = ['db', 'update'];

function planJob(event: 'pr' | 'merge'): Job {
  const plan = step(['ci', 'plan', '--event', event, '--out', of('output')]);
  const check = step(['pipeline', 'generate', '--platform', of('platform'), '--check']);
  const isMerge = event === 'merge';
  return {
    ...job('plan', event, 'trusted', 10, { contents: 'read', ...(isMerge && { registry: 'read' }) }),
    reasons: { registry: 'compare input hashes with what is already published' },
    steps: isMerge ? [{ ...plan, token: true }] : [check, plan],
    outputs: ['images', 'any', ...(isMerge ? ['kept'] : [])],
    history: true,
  };
}

function requestJob(): Job {
  const [image, reference, scan] = [of('image'), of('reference'), of('scan')];
  return {
    ...job('image', 'pr', 'userCode', 45, { contents: 'read' }),
    perImage: true,
    needs: ['plan'],
    steps: [
      step(['ci', 'test', image]),
      step(['ci', 'build', image, '--oci-layout', of('layout'), '--out', of('output')]),
      step(updateAdvisories, ['ci', 'scan', reference, '--image', image, '--sbom', '--out', scan]),
      step(['ci', 'gate', reference, '--scan', scan]),
    ],
    gives: [{ name: 'cg-scan', days: 14, always: true }],
  };
}

function requiredJob(): Job {
  return { ...job('required', 'pr', 'trusted', 5), needs: ['plan', 'image'], aggregates: true };
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
function deliverJob(stage: FirstStage | undefined): Job {
  const words = ['ci', 'collect', '--expect', of('images'), '--kept', of('kept'), '--results', of('results')];
  const collect = { ...step([...words, '--verify', '--out', of('release')]), token: true };
  const shared: Pick<Job, 'needs' | 'takes' | 'reasons'> = {
    needs: ['plan', 'sign'],
    takes: ['cg-result'],
    reasons: { registry: 'look up what was published' },
  };
  if (stage === undefined) {
    return {
      ...job('collect', 'merge', 'trusted', 10, { contents: 'read', registry: 'read' }),
      ...shared,
      steps: [collect],
      gives: [{ name: 'cg-release', days: 30 }],
    };
  }
  const { name, hasPolicy } = stage;
  const policy = hasPolicy ? [] : ['--policy', 'policy.yaml'];
  const bump = step([
    'ci',
    'bump',
    '--release',
    of('release'),
    '--stage',
    name,
    '--mode',
    'commit',
    ...policy,
  ]);
  return {
    ...job('bump', 'merge', 'trusted', 10, { contents: 'read', registry: 'read', gitops: name }),
    ...shared,
    steps: [collect, { ...bump, token: true, secrets: ['CG_GITOPS_TOKEN'] }],
    environment: `gitops-${name}`,
    lock: `cg-gitops-${name}`,
  };
}

function job(
  id: string,
  event: Job['event'],
  trust: Job['trust'],
  timeoutMinutes: number,
  credentials: Credentials = {},
): Job {
  const nothing = { needs: [], reasons: {}, steps: [], outputs: [], takes: [], gives: [] };
  return { id, event, trust, timeoutMinutes, credentials, perImage: false, ...nothing };
}

function step(...calls: readonly Call[]): Step {
  return { calls };
}

function of(meaning: Meaning): Word {
  return { of: meaning };
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

import type { Call, Credentials, Job, Meaning, Step, Word } from '../model.ts';

/** An environment that a pipeline brings images to. */
export interface Stage {
  readonly name: string;
  /** It says itself what an image must prove. */
  readonly hasPolicy: boolean;
}

/** A job begins on an empty machine, and without advisories a scan has no verdict. */
export const updateAdvisories: Call = ['db', 'update'];

export function job(
  id: string,
  event: Job['event'],
  trust: Job['trust'],
  timeoutMinutes: number,
  credentials: Credentials = {},
): Job {
  const nothing = { needs: [], reasons: {}, steps: [], outputs: [], takes: [], gives: [] };
  return { id, event, trust, timeoutMinutes, credentials, perImage: false, ...nothing };
}

export function step(...calls: readonly Call[]): Step {
  return { calls };
}

export function of(meaning: Meaning): Word {
  return { of: meaning };
}

/** What a job has that pins a release in an environment: the way there, and its secret. */
export function bumpJob(event: Job['event'], { name, hasPolicy }: Stage): Job {
  const policy = hasPolicy ? [] : ['--policy', 'policy.yaml'];
  const words = ['ci', 'bump', '--release', of('release'), '--stage', name, '--mode', 'commit', ...policy];
  return {
    ...job('bump', event, 'trusted', 10, { contents: 'read', registry: 'read', gitops: name }),
    reasons: { registry: 'look up what was published' },
    steps: [{ ...step(words), token: true, secrets: ['CG_GITOPS_TOKEN'] }],
    environment: `gitops-${name}`,
    lock: `cg-gitops-${name}`,
  };
}

import { describe, expect, it } from 'vitest';
import { hasCode } from '../../ground/fault/fault.ts';
import { findViolations, invariants, proveInvariants } from './invariants.ts';
import type { Job, Pipeline, PipelineEvent } from './model.ts';
import { planPipeline } from './plan-pipeline.ts';

const good = planPipeline({
  images: ['api', 'web'].map(name => ({ name, context: name, dockerfile: `${name}/Dockerfile` })),
  branch: 'main',
  stage: { name: 'dev', hasPolicy: false },
  nextStage: { name: 'staging', hasPolicy: false },
});

function change(event: PipelineEvent, id: string, to: (job: Job) => Partial<Job>): Pipeline {
  const jobs = good.jobs.map(job => (job.event === event && job.id === id ? { ...job, ...to(job) } : job));
  return { ...good, jobs };
}

const withCredentials =
  (more: Job['credentials']) =>
  ({ credentials }: Job): Partial<Job> => ({ credentials: { ...credentials, ...more } });
const withoutCall =
  (stage: string) =>
  ({ steps }: Job): Partial<Job> => ({
    steps: steps.map(step => ({ ...step, calls: step.calls.filter(call => call[1] !== stage) })),
  });

/** Each breaks a good pipeline in one place. */
const broken: Readonly<Record<string, readonly [string, Pipeline]>> = {
  'P1: an issue could be written beside a scanner': [
    'P1',
    change('merge', 'scan', withCredentials({ issues: 'write' })),
  ],
  'P1: the code of users runs beside the way to production': [
    'P1',
    change('merge', 'build', withCredentials({ gitops: 'dev' })),
  ],
  'P1: a nightly scanner could tell the forge anything': [
    'P1',
    change('nightly', 'rescan', withCredentials({ findings: 'write' })),
  ],
  'P2: a nightly scanner could push': [
    'P2',
    change('nightly', 'rescan', withCredentials({ registry: 'write' })),
  ],
  'P2: a scanner could push': ['P2', change('merge', 'scan', withCredentials({ registry: 'write' }))],
  'P3: a pull request could write issues': ['P3', change('pr', 'plan', withCredentials({ issues: 'write' }))],
  'P3: a pull request could read a secret': [
    'P3',
    change('pr', 'plan', ({ steps }) => ({
      environment: 'secrets',
      steps: steps.map(step => ({ ...step, secrets: ['TOKEN'] })),
    })),
  ],
  'P4: a secret that no environment holds': [
    'P4',
    change('merge', 'bump', ({ environment: _environment, ...rest }) => ({
      ...rest,
      environment: undefined as never,
    })),
  ],
  'P4: a secret of the night that no environment holds': [
    'P4',
    change('nightly', 'rescan', () => ({ environment: undefined as never })),
  ],
  'P5: a need that only another event has': ['P5', change('release', 'bump', () => ({ needs: ['sign'] }))],
  'P5: a need that the event does not have': [
    'P5',
    change('merge', 'scan', () => ({ needs: ['build', 'required'] })),
  ],
  'P5: jobs that wait for each other': ['P5', change('pr', 'plan', () => ({ needs: ['required'] }))],
  'P6: results that nobody counts': ['P6', change('merge', 'bump', withoutCall('collect'))],
  'P6: results without an artifact for each image': ['P6', change('merge', 'bump', () => ({ takes: [] }))],
  'P7: a text that a shell would run': [
    'P7',
    change('pr', 'plan', () => ({ steps: [{ calls: [['ci', 'plan', '--event', '$(id)']] }] })),
  ],
  'P7: a text that GitHub would evaluate': [
    'P7',
    change('pr', 'plan', () => ({ steps: [{ calls: [['ci', 'plan', '--event', '${{github.token}}']] }] })),
  ],
  'P8: a signature without statements': ['P8', change('merge', 'sign', withoutCall('attest'))],
  'P9: a tag before the verification': ['P9', change('merge', 'sign', withoutCall('verify'))],
  'P9: a version for what nobody resolved': ['P9', change('release', 'promote', withoutCall('resolve'))],
  'P9: a version for what nobody verified': [
    'P9',
    change('release', 'promote', ({ steps }) => ({
      steps: steps.map(step => ({
        ...step,
        calls: step.calls.map(call => call.filter(word => word !== '--verify')),
      })),
    })),
  ],
  'P9: a signature of what is no digest': [
    'P9',
    change('merge', 'sign', ({ steps }) => ({
      steps: steps.map(step => ({
        ...step,
        calls: step.calls.map(call => (call[1] === 'sign' ? ['ci', 'sign', 'shop/api:latest'] : call)),
      })),
    })),
  ],
  'P10: a token for a job that does not sign': [
    'P10',
    change('merge', 'bump', withCredentials({ oidc: 'sigstore' })),
  ],
  'P10: a token for a release, which signs nothing': [
    'P10',
    change('release', 'promote', withCredentials({ oidc: 'sigstore' })),
  ],
  'P10: a signature without an identity': [
    'P10',
    change('merge', 'sign', ({ credentials: { oidc: _oidc, ...credentials } }) => ({ credentials })),
  ],
  'P11: no time limit': ['P11', change('merge', 'scan', () => ({ timeoutMinutes: 0 }))],
  'P11: a gate that may fail': ['P11', change('pr', 'image', () => ({ allowFailure: true }))],
  'P12: a build that may take a cache': [
    'P12',
    change('merge', 'build', ({ steps }) => ({
      steps: steps.map(step => ({
        ...step,
        calls: step.calls.map(call => call.filter(word => word !== '--no-cache-import')),
      })),
    })),
  ],
};

describe('invariants', () => {
  it('hold for what is planned, with and without environments', () => {
    expect(findViolations(good)).toEqual([]);
    expect(findViolations(planPipeline({ images: good.images, branch: 'main' }))).toEqual([]);
    expect(() => proveInvariants(good)).not.toThrow();
  });

  it.each(Object.entries(broken))('%s', (_, [rule, pipeline]) => {
    expect([...new Set(findViolations(pipeline).map(violation => violation.rule))]).toEqual([rule]);
  });

  it('P11: two runs that publish would run at once, or one end the other', () => {
    const both = { merge: 'replace', release: 'replace' } as const;
    for (const concurrency of [{ pr: 'replace' }, { pr: 'replace', ...both }] as const) {
      const violations = findViolations({ ...good, concurrency });
      expect(violations.map(({ rule, job }) => [rule, job])).toEqual([
        ['P11', 'merge/build'],
        ['P11', 'merge/sign'],
        ['P11', 'merge/bump'],
        ['P11', 'release/promote'],
        ['P11', 'release/bump'],
      ]);
    }
  });

  it('are all broken by one of these tests', () => {
    expect([...new Set(Object.values(broken).map(([rule]) => rule))]).toEqual(invariants);
  });

  it('refuse to go on, by the name of the rule and the job', () => {
    const pipeline = change('merge', 'sign', withoutCall('verify'));
    const thrown = (() => {
      try {
        proveInvariants(pipeline);
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    expect(hasCode(thrown, 'BUG') && thrown.actual).toContain('P9 merge/sign');
  });
});

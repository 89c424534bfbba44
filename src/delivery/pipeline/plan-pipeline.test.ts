import { describe, expect, it } from 'vitest';
import { callsOf } from './model.ts';
import { mostImages, planPipeline } from './plan-pipeline.ts';

const image = (name: string) => ({ name, context: '.', dockerfile: 'Dockerfile' });
const plan = (name: string) => planPipeline({ images: [image(name)], branch: 'main' });

describe('the plan of a pipeline', () => {
  it.each([
    'a"b',
    "a'b",
    'a${{ github.token }}',
    'a\nb',
    'a: b',
    '*a',
    '&a',
    '#a',
    '-a',
    '',
    'a'.repeat(64),
    '..',
    'a..b',
    'a/b',
    'a b',
    'é',
  ])('refuses an image called %j', name => expect(() => plan(name)).toThrow('cannot stand in a pipeline'));

  it.each(['a', '1.10', 'true', 'null', '0x1F', '2026-11-24', 'constructor', 'a'.repeat(63)])(
    'takes an image called %j, and never puts its name into a command',
    name => {
      const words = plan(name)
        .jobs.flatMap(job => callsOf(job))
        .flat();
      expect(words.length).toBeGreaterThan(50);
      expect(words).not.toContain(name);
    },
  );

  it.each(['main"', '${{ x }}', '-x', 'a b', '', 'a\nb', '$(id)'])('refuses the branch %j', branch => {
    expect(() => planPipeline({ images: [image('a')], branch })).toThrow('branch');
  });

  it('refuses an environment that a forge would read more into', () => {
    const stage = { name: 'dev${{ x }}', hasPolicy: true };
    expect(() => planPipeline({ images: [image('a')], branch: 'main', stage })).toThrow('environment');
  });

  it('refuses more images than a matrix has legs, and says how many these are', () => {
    const images = (count: number) => Array.from({ length: count }, (_, at) => image(`i${at}`));
    expect(() => planPipeline({ images: images(mostImages), branch: 'main' })).not.toThrow();
    expect(() => planPipeline({ images: images(mostImages + 1), branch: 'main' })).toThrow('257 images');
  });

  it('gives an environment that says nothing itself the policy of the repository', () => {
    const callOf = (hasPolicy: boolean) => {
      const stage = { name: 'dev', hasPolicy };
      const { jobs } = planPipeline({ images: [image('a')], branch: 'main', stage });
      return jobs.flatMap(job => callsOf(job)).find(call => call[1] === 'bump');
    };
    expect(callOf(false)).toContain('policy.yaml');
    expect(callOf(true)).not.toContain('policy.yaml');
  });

  it('releases to the environment after the first, and to none where there is no such', () => {
    const stage = { name: 'dev', hasPolicy: true };
    const jobsOf = (more: object, event: string) =>
      planPipeline({ images: [image('a')], branch: 'main', ...more }).jobs.filter(job => job.event === event);
    const next = { name: 'staging', hasPolicy: false };
    expect(
      jobsOf({ stage, nextStage: next }, 'release').map(({ id, environment }) => [id, environment]),
    ).toEqual([
      ['promote', undefined],
      ['bump', 'gitops-staging'],
    ]);
    expect(jobsOf({ stage }, 'release').map(({ id }) => id)).toEqual(['promote']);
    expect(jobsOf({ stage }, 'nightly').map(({ id }) => id)).toEqual(['rescan', 'report']);
    expect(jobsOf({}, 'nightly')).toEqual([]);
  });

  it('brings advisories to every job that judges, before it does: its own matching needs them', () => {
    const judging = plan('a').jobs.filter(job => callsOf(job).some(([, stage]) => stage === 'gate'));
    expect(judging.map(({ id }) => id)).toEqual(['image', 'sign']);
    for (const job of judging) {
      const words = callsOf(job).map(call => call.slice(0, 2).join(' '));
      expect(words.indexOf('db update')).toBeGreaterThanOrEqual(0);
      expect(words.indexOf('db update')).toBeLessThan(words.indexOf('ci gate'));
    }
  });
});

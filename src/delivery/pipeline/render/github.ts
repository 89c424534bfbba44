import type { Job, Pipeline, PipelineEvent, RenderedFile } from '../model.ts';
import { addHeader } from '../ownership.ts';
import type { Pins } from '../pins.ts';
import { matrix, permissionsOf, renderJob, type Workflow } from './github-job.ts';
import { noted, writeYaml } from './yaml.ts';

export interface GithubWishes {
  readonly version: string;
  readonly pins: Pins;
}

const imageWorkflow = './.github/workflows/cg-image.yml';
/** The identity that signs is the file of the job that signs. */
export const signingWorkflow = '.github/workflows/cg-image.yml';

/** A workflow for each event; what a merge does to one image is one of its own, which signs. */
export function renderGithub(pipeline: Pipeline, { version, pins }: GithubWishes): RenderedFile[] {
  const file = (name: string, purpose: string, body: object): RenderedFile => ({
    path: `.github/workflows/${name}.yml`,
    text: addHeader(writeYaml({ name, ...body }), { purpose, version }),
  });
  const fanned: Workflow = { pipeline, pins, image: '${{ matrix.image }}' };
  const called: Workflow = { pipeline, pins, image: '${{ inputs.image }}' };
  const noPaths = 'never pull_request_target; no paths: filter (a skipped required check stays pending)';
  return [
    file(
      'cg-pr',
      'Checks of pull requests, without any credential; the job to mark as required is "required".',
      {
        on: { pull_request: noted({}, noPaths), merge_group: {} },
        ...frame('cg-pr-${{ github.event.pull_request.number || github.ref }}', 'pr', pipeline),
        jobs: jobsOf('pr', fanned),
      },
    ),
    file('cg-merge', 'What was merged becomes verified images, and pins in the first environment.', {
      on: { push: { branches: [pipeline.branch] }, workflow_dispatch: {} },
      ...frame('cg-merge-${{ github.ref }}', 'merge', pipeline),
      jobs: jobsOf('merge', fanned),
    }),
    file(
      'cg-image',
      'Builds, scans and signs one image, in three jobs. This file is the identity that signs.',
      {
        on: {
          workflow_call: {
            inputs: { image: { description: 'image name from images.yaml', required: true, type: 'string' } },
          },
        },
        permissions: {},
        defaults: { run: { shell: 'bash' } },
        jobs: Object.fromEntries(
          perImageJobs(pipeline).map(job => {
            const needs = job.needs.filter(id => id !== 'plan');
            return [job.id, renderJob({ ...job, needs }, called)];
          }),
        ),
      },
    ),
    file('cg-release', 'A tag gives what its commit became a version, and a place; nothing is rebuilt.', {
      on: { push: { tags: ['v*'] } },
      ...frame('cg-release-${{ github.ref }}', 'release', pipeline),
      jobs: jobsOf('release', fanned),
    }),
    ...(pipeline.jobs.some(({ event }) => event === 'nightly')
      ? [
          file('cg-nightly', 'What environments run is scanned again, by a job that can only read.', {
            on: {
              schedule: [{ cron: noted('17 2 * * *', 'off the hour: then few start') }],
              workflow_dispatch: {},
            },
            ...frame('cg-nightly', 'nightly', pipeline),
            jobs: jobsOf('nightly', fanned),
          }),
        ]
      : []),
  ];
}

function frame(group: string, event: PipelineEvent, { concurrency }: Pipeline): object {
  return {
    permissions: {},
    concurrency: { group, 'cancel-in-progress': concurrency[event] === 'replace' },
    defaults: { run: { shell: 'bash' } },
  };
}

function perImageJobs({ jobs }: Pipeline): readonly Job[] {
  return jobs.filter(job => job.event === 'merge' && job.perImage);
}

/** What a merge does to one image is a workflow of its own, called once for each. */
function jobsOf(event: PipelineEvent, workflow: Workflow): object {
  const isCalled = (job: Job) => event === 'merge' && job.perImage;
  const called = workflow.pipeline.jobs.filter(job => job.event === event && isCalled(job));
  const ids = new Set(called.map(({ id }) => id));
  const own = workflow.pipeline.jobs.filter(job => job.event === event && !isCalled(job));
  const entries = own.map((job): [string, object] => {
    const needs = [...new Set(job.needs.map(id => (ids.has(id) ? 'image' : id)))];
    return [job.id, renderJob({ ...job, needs }, workflow)];
  });
  if (called.length > 0) entries.splice(1, 0, ['image', renderCall(called)]);
  return Object.fromEntries(entries);
}

/** A reusable workflow can do at most what its caller may. */
function renderCall(jobs: readonly Job[]): object {
  return {
    needs: ['plan'],
    ...matrix(),
    uses: noted(imageWorkflow, 'zizmor: ignore[self-repository] older servers know no other form'),
    permissions: permissionsOf({
      credentials: { contents: 'read', registry: 'write', oidc: 'sigstore' },
      reasons: {
        registry: 'push by digest, attach signature and attestations',
        oidc: `keyless signing (used only by the job ${signerOf(jobs)} of cg-image.yml)`,
      },
    }),
    with: { image: '${{ matrix.image }}' },
  };
}

function signerOf(jobs: readonly Job[]): string {
  return jobs.find(({ credentials }) => credentials.oidc !== undefined)?.id ?? 'that signs';
}

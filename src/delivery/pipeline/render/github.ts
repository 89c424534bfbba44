import { Fault } from '../../../ground/fault/fault.ts';
import {
  type Artifact,
  type Call,
  type Credentials,
  doesCall,
  type Job,
  type Meaning,
  type Pipeline,
  type PipelineEvent,
  type RenderedFile,
  type Step,
} from '../model.ts';
import { addHeader } from '../ownership.ts';
import type { Pins } from '../pins.ts';
import { installLine, launcherPath } from './launcher.ts';
import { type ShellWord, writeShellLine } from './shell-line.ts';
import { noted, writeYaml } from './yaml.ts';

export interface GithubWishes {
  readonly version: string;
  readonly pins: Pins;
}

const folders: Readonly<Record<Artifact['name'], string>> = {
  'cg-build': '.cg/build',
  'cg-scan': '.cg/scan',
  'cg-result': '.cg/results',
  'cg-release': '.cg/release.json',
};
/** Handed over as the output of a job; everything else is a file. */
const asOutput: readonly Artifact['name'][] = ['cg-build'];
const ifAny = "needs.plan.outputs.any == 'true'";
const imageWorkflow = './.github/workflows/cg-image.yml';
/** The identity that signs is the file of the job that signs. */
export const signingWorkflow = '.github/workflows/cg-image.yml';

/** The workflow that a job lives in. */
interface Workflow {
  readonly pipeline: Pipeline;
  readonly pins: Pins;
  /** How the name of the image comes there. */
  readonly image: string;
}

/** Three workflows: what pull requests may run, what a merge runs, and what is done to one image, which signs. */
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

function matrix(): object {
  return {
    if: ifAny,
    strategy: { 'fail-fast': false, matrix: { image: '${{ fromJSON(needs.plan.outputs.images) }}' } },
  };
}

function renderJob(job: Job, workflow: Workflow): object {
  const isAfterPlan = job.needs.includes('plan') && job.aggregates !== true;
  const isMatrix = job.perImage && isAfterPlan;
  return {
    ...(job.needs.length > 0 && { needs: job.needs }),
    ...(job.aggregates === true && { if: 'always()' }),
    ...(isMatrix ? matrix() : isAfterPlan && { if: ifWell(job.needs) }),
    'runs-on': 'ubuntu-24.04',
    'timeout-minutes': job.timeoutMinutes,
    ...(job.environment !== undefined && {
      environment: noted(job.environment, `holds ${secretsOf(job).join(', ')}; restrict it to the branch`),
    }),
    permissions: permissionsOf(job),
    ...(job.lock !== undefined && { concurrency: { group: job.lock, 'cancel-in-progress': false } }),
    ...(job.outputs.length > 0 && {
      outputs: Object.fromEntries(
        job.outputs.map(name => [name, `\${{ steps.${idOf(job.steps.at(-1))}.outputs.${name} }}`]),
      ),
    }),
    steps: job.aggregates === true ? [aggregate()] : stepsOf(job, workflow),
  };
}

/** Also when there was nothing to build: what an environment lacks of an earlier run is then made good. */
function ifWell(needs: readonly string[]): string {
  const others = needs.filter(id => id !== 'plan');
  const isWell = (id: string) => `(needs.${id}.result == 'success' || needs.${id}.result == 'skipped')`;
  return `\${{ !cancelled() && needs.plan.result == 'success' && ${others.map(isWell).join(' && ')} }}`;
}

function secretsOf({ steps }: Job): readonly string[] {
  return steps.flatMap(({ secrets = [] }) => secrets);
}

/** The one check to require: it passes when everything did, or had nothing to do. */
function aggregate(): object {
  return {
    run: [
      'echo "$NEEDS"',
      `[[ "$(jq -r '[.[].result] | all(. == "success" or . == "skipped")' <<<"$NEEDS")" == true ]]`,
      `[[ "$(jq -r '.plan.result' <<<"$NEEDS")" == success ]]`,
      '',
    ].join('\n'),
    env: { NEEDS: '${{ toJSON(needs) }}' },
  };
}

function stepsOf(job: Job, workflow: Workflow): object[] {
  const last = job.steps.length - 1;
  const depth = job.history === true ? { 'fetch-depth': 0 } : {};
  const isFile = ({ name }: Artifact) => !asOutput.includes(name);
  return [
    use('checkout', { 'persist-credentials': false, ...depth }, workflow),
    ...takenBy(job, workflow)
      .filter(isFile)
      .map(one => download(one, job, workflow)),
    { run: installLine },
    ...job.steps.map((step, at) => renderStep(step, job, workflow, at === last && job.outputs.length > 0)),
    ...job.gives.filter(isFile).map(one => upload(one, job, workflow)),
  ];
}

function takenBy({ event, takes }: Job, { pipeline }: Workflow): readonly Artifact[] {
  const given = pipeline.jobs.filter(job => job.event === event).flatMap(({ gives }) => gives);
  return given.filter(({ name }) => takes.includes(name));
}

function use(name: string, inputs: object, { pins }: Workflow): object {
  const pin = pins.get(`actions/${name}`);
  if (pin === undefined) throw new Fault('BUG', { what: `the action ${name} has no pin` });
  return { uses: noted(`actions/${name}@${pin.at}`, pin.version), with: inputs };
}

/** In the job of an image there is the one of that image; elsewhere there are all. */
function download({ name }: Artifact, job: Job, workflow: Workflow): object {
  const path = folders[name];
  const which = job.perImage
    ? { name: `${name}-${workflow.image}` }
    : { pattern: `${name}-*`, 'merge-multiple': true };
  return use('download-artifact', { ...which, path }, workflow);
}

function upload({ name, days, always }: Artifact, job: Job, workflow: Workflow): object {
  return {
    ...(always === true && { if: '${{ !cancelled() }}' }),
    ...use(
      'upload-artifact',
      {
        name: job.perImage ? `${name}-${workflow.image}` : name,
        path: folders[name],
        'if-no-files-found': 'error',
        'retention-days': days,
      },
      workflow,
    ),
  };
}

function renderStep(step: Step, job: Job, workflow: Workflow, isLast: boolean): object {
  const lines = step.calls.map(call => wordsOf(call, job));
  const env = environmentOf(lines.flat(), step, workflow);
  const text = lines.map(words => writeShellLine([launcherPath, ...words]));
  return {
    ...(isLast && { id: idOf(step) }),
    run: text.length === 1 ? text[0] : `${text.join('\n')}\n`,
    ...(Object.keys(env).length > 0 && { env }),
  };
}

/** Its stage, which is a word of ours. */
function idOf(step: Step | undefined): string {
  const stage = step?.calls.at(-1)?.[1];
  return typeof stage === 'string' ? stage : 'last';
}

function wordsOf(call: Call, job: Job): readonly ShellWord[] {
  return call.map(word => (typeof word === 'string' ? word : placeOf(word.of, job)));
}

function placeOf(meaning: Meaning, job: Job): ShellWord {
  const places: Readonly<Record<Meaning, ShellWord>> = {
    image: { variable: 'IMAGE' },
    images: { variable: 'IMAGES' },
    kept: { variable: 'KEPT' },
    reference: doesCall(job, 'build') ? '@.cg/build.json' : { variable: 'REF' },
    output: job.outputs.length > 0 ? { variable: 'GITHUB_OUTPUT' } : '.cg/build.json',
    layout: '.cg/oci',
    scan: folders['cg-scan'],
    result: { before: `${folders['cg-result']}/`, variable: 'IMAGE', after: '.json' },
    results: folders['cg-result'],
    release: folders['cg-release'],
    platform: 'github',
  };
  return places[meaning];
}

/** Values reach a command through the environment alone, and only those that it uses. */
function environmentOf(words: readonly ShellWord[], step: Step, { image }: Workflow): Record<string, string> {
  const values: Readonly<Record<string, string>> = {
    IMAGE: image,
    IMAGES: '${{ needs.plan.outputs.images }}',
    KEPT: '${{ needs.plan.outputs.kept }}',
    REF: '${{ needs.build.outputs.ref }}',
  };
  const used = new Set(words.flatMap(word => (typeof word === 'string' ? [] : [word.variable])));
  return Object.fromEntries([
    ...Object.entries(values).filter(([name]) => used.has(name)),
    ...(step.record === true ? [['CG_BUILD_RECORD', '${{ needs.build.outputs.record }}']] : []),
    ...(step.token === true ? [['GITHUB_TOKEN', '${{ github.token }}']] : []),
    ...(step.secrets ?? []).map(name => [name, `\${{ secrets.${name} }}`]),
  ]);
}

function permissionsOf({ credentials, reasons }: Pick<Job, 'credentials' | 'reasons'>): object {
  const { contents, registry, oidc, issues, findings }: Credentials = credentials;
  return {
    ...(contents !== undefined && { contents: noted(contents, reasons.contents) }),
    ...(issues !== undefined && { issues: noted(issues, reasons.issues) }),
    ...(registry !== undefined && { packages: noted(registry, reasons.registry) }),
    ...(findings !== undefined && { 'security-events': noted(findings, reasons.findings) }),
    ...(oidc !== undefined && { 'id-token': noted('write', reasons.oidc) }),
  };
}

import { posix } from 'node:path';
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
  type Step,
} from '../model.ts';
import type { Pins } from '../pins.ts';
import { installLine, launcherPath } from './launcher.ts';
import { type ShellWord, writeShellLine } from './shell-line.ts';
import { noted } from './yaml.ts';

const folders: Readonly<Record<Artifact['name'], string>> = {
  'cg-build': '.cg/build',
  'cg-scan': '.cg/scan',
  'cg-result': '.cg/results',
  'cg-release': '.cg/release.json',
  'cg-rescan': '.cg/rescan',
};
/** Handed over as the output of a job; everything else is a file. */
const asOutput: readonly Artifact['name'][] = ['cg-build'];
const ifAny = "needs.plan.outputs.any == 'true'";

/** Who may use the secrets of an environment. */
const restrictions: Readonly<Record<PipelineEvent, string>> = {
  pr: 'restrict it to the branch',
  merge: 'restrict it to the branch',
  release: 'restrict it to tags v*',
  nightly: 'a token that may only read; restrict it to the branch',
};

/** The workflow that a job lives in. */
export interface Workflow {
  readonly pipeline: Pipeline;
  readonly pins: Pins;
  /** How the name of the image comes there. */
  readonly image: string;
}

/** An artifact of a job of each image, or of one job. */
type Given = Artifact & Pick<Job, 'perImage'>;

export function matrix(): object {
  return {
    if: ifAny,
    strategy: { 'fail-fast': false, matrix: { image: '${{ fromJSON(needs.plan.outputs.images) }}' } },
  };
}

export function renderJob(job: Job, workflow: Workflow): object {
  const isAfterPlan = job.needs.includes('plan') && job.aggregates !== true;
  const isMatrix = job.perImage && isAfterPlan;
  return {
    ...(job.needs.length > 0 && { needs: job.needs }),
    ...(job.aggregates === true && { if: 'always()' }),
    ...(job.always === true && { if: '${{ !cancelled() }}' }),
    ...(isMatrix ? matrix() : isAfterPlan && { if: ifWell(job.needs) }),
    'runs-on': 'ubuntu-24.04',
    'timeout-minutes': job.timeoutMinutes,
    ...(job.environment !== undefined && {
      environment: noted(job.environment, `holds ${secretsOf(job).join(', ')}; ${restrictions[job.event]}`),
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

function takenBy(job: Job, { pipeline }: Workflow): readonly Given[] {
  const givers = pipeline.jobs.filter(({ event }) => event === job.event);
  return givers.flatMap(({ gives, perImage }) =>
    gives.filter(({ name }) => job.takes.includes(name)).map(artifact => ({ ...artifact, perImage })),
  );
}

function use(name: string, inputs: object, { pins }: Workflow): object {
  const pin = pins.get(`actions/${name}`);
  if (pin === undefined) throw new Fault('BUG', { what: `the action ${name} has no pin` });
  return { uses: noted(`actions/${name}@${pin.at}`, pin.version), with: inputs };
}

/** Of what each image has, the job of an image takes its own, and any other job all; a file comes into its folder. */
function download({ name, perImage }: Given, job: Job, workflow: Workflow): object {
  const path = posix.extname(folders[name]) === '' ? folders[name] : posix.dirname(folders[name]);
  const ofImages = job.perImage
    ? { name: `${name}-${workflow.image}` }
    : { pattern: `${name}-*`, 'merge-multiple': true };
  return use('download-artifact', { ...(perImage ? ofImages : { name }), path }, workflow);
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
    commit: { variable: 'GITHUB_SHA' },
    version: { variable: 'GITHUB_REF_NAME' },
    rescan: folders['cg-rescan'],
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

export function permissionsOf({ credentials, reasons }: Pick<Job, 'credentials' | 'reasons'>): object {
  const { contents, registry, oidc, issues, findings }: Credentials = credentials;
  return {
    ...(contents !== undefined && { contents: noted(contents, reasons.contents) }),
    ...(issues !== undefined && { issues: noted(issues, reasons.issues) }),
    ...(registry !== undefined && { packages: noted(registry, reasons.registry) }),
    ...(findings !== undefined && { 'security-events': noted(findings, reasons.findings) }),
    ...(oidc !== undefined && { 'id-token': noted('write', reasons.oidc) }),
  };
}

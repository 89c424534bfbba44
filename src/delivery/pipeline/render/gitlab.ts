import {
  type Artifact,
  type Call,
  doesCall,
  isCall,
  type Job,
  type Meaning,
  type Pipeline,
  type PipelineEvent,
  type PipelineImage,
  type RenderedFile,
} from '../model.ts';
import { addHeader } from '../ownership.ts';
import { installLine, launcherPath } from './launcher.ts';
import { type ShellWord, writeShellLine } from './shell-line.ts';
import { noted, writeYaml } from './yaml.ts';

export interface GitlabWishes {
  readonly version: string;
  /** The image that jobs run in, by its digest. */
  readonly jobImage: string;
}

export const includedFile = '.gitlab/cg/pipeline.yml';
const ifMerge =
  '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_COMMIT_REF_PROTECTED == "true" && $CI_PIPELINE_SOURCE =~ /^(push|web|api)$/';
const ifRequest = '$CI_PIPELINE_SOURCE == "merge_request_event"';
const conditions: Readonly<Record<PipelineEvent, string>> = {
  pr: ifRequest,
  merge: ifMerge,
  release: '$CI_COMMIT_TAG =~ /^v/ && $CI_COMMIT_REF_PROTECTED == "true"',
  nightly: '$CI_PIPELINE_SOURCE == "schedule" && $CG_SCHEDULE == "nightly"',
};
/** GitLab lets a job need no more than this many others. */
const mostNeeds = 50;
const folders: Readonly<Record<Artifact['name'], string>> = {
  'cg-build': '.cg/build/',
  'cg-scan': '.cg/scan/',
  'cg-result': '.cg/results/',
  'cg-release': '.cg/release.json',
  'cg-rescan': '.cg/rescan/',
};
const stages: Readonly<Record<string, string>> = {
  plan: '.pre',
  build: 'build',
  sign: 'deploy',
  promote: 'deploy',
  bump: '.post',
  collect: '.post',
};
/** What may build is privileged, what may sign is not, and neither runs what a merge request brings. */
const runners: Readonly<Record<string, { tag: string; note: string }>> = {
  build: {
    tag: 'cg-build',
    note: 'privileged or rootless BuildKit runner; protected, not shared with cg-sign',
  },
  sign: { tag: 'cg-sign', note: 'non-privileged, protected runner' },
};

/**
 * The include for GitLab. It sets nothing global, and has jobs of its own for each image, because a matrix cannot be
 * computed there when the pipeline runs.
 */
export function renderGitlab(pipeline: Pipeline, { version, jobImage }: GitlabWishes): RenderedFile[] {
  const jobs = pipeline.jobs.filter(isThere);
  const templates = jobs.filter(job => job.perImage && job.event === 'merge');
  const requests = jobs.filter(job => job.perImage && job.event === 'pr');
  const singles = jobs.filter(job => !job.perImage);
  const body = Object.fromEntries<object>([
    ['.cg-base', baseOf(jobImage)],
    ...templates.map(job => [`.cg-${job.id}`, templateOf(job)] as const),
    ...pipeline.images.flatMap(image =>
      templates.map(job => [`cg:${job.id}:${image.name}`, perImageOf(job, image)] as const),
    ),
    ...singles.map(job => [nameOf(job), singleOf(job, pipeline)] as const),
    ...requests.flatMap(job =>
      pipeline.images.map(image => [`cg:mr:${image.name}`, requestOf(job, image, pipeline)] as const),
    ),
  ]);
  const purpose =
    'Included by .gitlab-ci.yml. Jobs are cg:*, hidden templates .cg-*; nothing global is set here.';
  return [{ path: includedFile, text: addHeader(writeYaml(body), { purpose, version }) }];
}

/** GitLab fails a pipeline by itself when a job fails, static jobs need no plan, and findings are told by reports alone. */
function isThere(job: Job): boolean {
  const isPlan = job.id === 'plan' && job.event === 'merge';
  return job.aggregates !== true && !isPlan && job.credentials.findings === undefined;
}

function nameOf({ id, event, credentials }: Job): string {
  if (event === 'pr') return 'cg:mr:check';
  if (event === 'nightly') return `cg:nightly:${id}`;
  return credentials.gitops === undefined ? `cg:${id}` : `cg:${id}:${credentials.gitops}`;
}

function baseOf(image: string): object {
  return {
    image,
    interruptible: false,
    timeout: '20m',
    retry: { max: 1, when: ['runner_system_failure', 'stuck_or_timeout_failure'] },
    before_script: [installLine],
  };
}

function templateOf(job: Job): object {
  const runner = runners[job.id];
  return {
    ...commonOf(job),
    ...(runner !== undefined && { tags: noted([runner.tag], runner.note) }),
    ...(job.credentials.oidc !== undefined && {
      id_tokens: { SIGSTORE_ID_TOKEN: { aud: job.credentials.oidc } },
    }),
    script: scriptOf(job),
    ...artifactsOf(job),
  };
}

function commonOf(job: Job): object {
  return { extends: '.cg-base', stage: stages[job.id] ?? 'test', timeout: `${job.timeoutMinutes}m` };
}

function perImageOf(job: Job, { name }: PipelineImage): object {
  const needs = job.needs.filter(id => id !== 'plan').map(id => need(`cg:${id}:${name}`));
  return {
    extends: `.cg-${job.id}`,
    variables: { CG_IMAGE: name },
    ...(needs.length > 0 && { needs }),
    rules: [{ if: conditions.merge }],
  };
}

function singleOf(job: Job, pipeline: Pipeline): object {
  const variables = { ...(job.event === 'merge' && listsOf(pipeline)), ...historyOf(job) };
  return {
    ...commonOf(job),
    ...(job.event === 'pr' && { interruptible: true }),
    ...(job.environment !== undefined && { environment: environmentOf(job) }),
    ...(job.lock !== undefined && { resource_group: job.lock }),
    ...(Object.keys(variables).length > 0 && { variables }),
    ...(job.event === 'merge' ? needsOfAll(job, pipeline) : needsOfSingles(job, pipeline)),
    script: scriptOf(job),
    ...artifactsOf(job),
    rules: [{ if: conditions[job.event] }],
  };
}

/** A plan, whose call is left out here, needs none. */
function historyOf(job: Job): object {
  return job.history === true && !doesCall(job, 'plan') ? { GIT_DEPTH: '0' } : {};
}

function needsOfSingles(job: Job, { jobs }: Pipeline): object {
  const needs = jobs.filter(({ id, event }) => event === job.event && job.needs.includes(id));
  return needs.length === 0 ? {} : { needs: needs.map(one => need(nameOf(one))) };
}

/** What the plan would say: all images are built, so none is kept as it is. */
function listsOf({ images }: Pipeline): object {
  return { CG_IMAGES: JSON.stringify(images.map(({ name }) => name)), CG_KEPT: '[]' };
}

function environmentOf({ environment: name, credentials, steps }: Job): object {
  const tier = tiers.find(([pattern]) => pattern.test(credentials.gitops ?? ''))?.[1];
  const secrets = steps.flatMap(step => step.secrets ?? []);
  return {
    name: noted(name, `scopes ${secrets.join(', ')}; protect it`),
    // It only holds a secret: nothing is deployed there.
    ...(credentials.gitops === undefined && { action: 'access' }),
    ...(tier !== undefined && { deployment_tier: tier }),
  };
}

const tiers: readonly (readonly [RegExp, string])[] = [
  [/^dev/i, 'development'],
  [/^test|^qa/i, 'testing'],
  [/^stag/i, 'staging'],
  [/^prod|^live/i, 'production'],
];

/** With more jobs than may be needed it waits for their stage, and takes the files of exactly those jobs. */
function needsOfAll(job: Job, pipeline: Pipeline): object {
  const perImage = pipeline.jobs.filter(({ event, id, perImage: each }) => {
    return event === 'merge' && each && job.needs.includes(id);
  });
  const names = perImage.flatMap(({ id }) => pipeline.images.map(({ name }) => `cg:${id}:${name}`));
  return names.length > mostNeeds ? { dependencies: names } : { needs: names.map(need) };
}

function requestOf(job: Job, image: PipelineImage, { branch }: Pipeline): object {
  const paths = pathsOf(image);
  return {
    ...commonOf(job),
    interruptible: true,
    variables: { CG_IMAGE: image.name },
    script: scriptOf(job),
    ...artifactsOf(job),
    rules: [
      {
        if: ifRequest,
        ...(paths !== undefined && { changes: { compare_to: `refs/heads/${branch}`, paths } }),
      },
    ],
  };
}

const shared = ['images.yaml', '.cascadeguard.yaml', '.cascadeguard/**/*', '.gitlab/cg/**/*'];

/** Undefined when all files count, or GitLab would read more into a name than it is: then the job always runs. */
function pathsOf({ context, dockerfile }: PipelineImage): readonly string[] | undefined {
  const isPlain = (path: string) => /^[A-Za-z0-9._/ -]+$/.test(path);
  if (context === '.' || !isPlain(context) || !isPlain(dockerfile)) return undefined;
  const own = [`${context}/**/*`];
  return [...(dockerfile.startsWith(`${context}/`) ? own : [...own, dockerfile]), ...shared];
}

function need(job: string): object {
  return { job, artifacts: true };
}

/** What a matrix would be told by the plan is written down here, so its call is left out. */
function scriptOf(job: Job): readonly string[] {
  const calls = job.steps.flatMap(step => step.calls).filter(call => call[1] !== 'plan');
  return calls.map(call =>
    writeShellLine([
      launcherPath,
      ...tellGitlab(call).map(word => (typeof word === 'string' ? word : placeOf(word.of))),
    ]),
  );
}

/** What it shows of a scan is a form of its own. */
function tellGitlab(call: Call): Call {
  return isCall(call, 'scan') ? [...call.slice(0, -2), '--gitlab-reports', ...call.slice(-2)] : call;
}

function placeOf(meaning: Meaning): ShellWord {
  const ofImage = (before: string, after = ''): ShellWord => ({ before, variable: 'CG_IMAGE', after });
  const places: Readonly<Record<Meaning, ShellWord>> = {
    image: ofImage(''),
    images: { variable: 'CG_IMAGES' },
    kept: { variable: 'CG_KEPT' },
    reference: ofImage('@.cg/build/', '.json'),
    output: ofImage('.cg/build/', '.json'),
    layout: '.cg/oci',
    scan: ofImage('.cg/scan/'),
    result: ofImage('.cg/results/', '.json'),
    results: '.cg/results',
    release: '.cg/release.json',
    commit: { variable: 'CI_COMMIT_SHA' },
    version: { variable: 'CI_COMMIT_TAG' },
    rescan: '.cg/rescan',
    platform: 'gitlab',
  };
  return places[meaning];
}

function artifactsOf({ gives }: Job): object {
  const [first] = gives;
  if (first === undefined) return {};
  return {
    artifacts: {
      ...(first.always === true && { when: 'always' }),
      paths: gives.map(({ name }) => folders[name]),
      expire_in: `${first.days} ${first.days === 1 ? 'day' : 'days'}`,
      access: 'developer',
      ...reportsOf(first),
    },
  };
}

/** One folder for each image, whose name only the run knows. */
function reportsOf({ name }: Artifact): object {
  if (name !== 'cg-scan' && name !== 'cg-rescan') return {};
  const each = `${folders[name]}*/`;
  return {
    reports: {
      container_scanning: `${each}gl-container-scanning-report.json`,
      junit: `${each}junit.xml`,
    },
  };
}

/** The file of the user: made once, and never changed again. */
export const gitlabRoot = `# Yours. All that CascadeGuard wants here is the include; cg tools generate --check looks for it.
${writeYaml({
  include: [{ local: includedFile }],
  workflow: {
    rules: [{ if: ifRequest }, { if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH' }, { if: '$CI_COMMIT_TAG' }],
  },
})}`;

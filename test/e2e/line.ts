import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { Git } from '../../src/delivery/git/git.ts';
import { type GitServer, serveGit } from '../../src/delivery/git/serve-git.ts';
import { systemClock } from '../../src/model/clock.ts';
import { commitShop } from '../../src/workflow/up/story/chapters/commit-shop.ts';
import { learnAdvisories } from '../../src/workflow/up/story/chapters/learn-advisories.ts';
import { publishBases } from '../../src/workflow/up/story/chapters/publish-bases.ts';
import { advisoriesOf } from '../../src/workflow/up/story/chapters/release-services.ts';
import { jobEnvironment } from '../../src/workflow/up/story/job-environment.ts';
import type { Repositories } from '../../src/workflow/up/story/repositories.ts';
import { Teller } from '../../src/workflow/up/story/teller.ts';
import {
  clearWorkshop,
  commitAndPush,
  DemoClock,
  type Forge,
  storyEnvironment,
  type Workshop,
  workflows,
} from '../../src/workflow/up/story/workshop.ts';
import { type UpReady, up } from '../../src/workflow/up/up.ts';

const program = join(import.meta.dirname, '../../dist/cg.js');
const stop = new AbortController();
let running: Promise<void>;
let git: GitServer;
export let workshop: Workshop;
export let shop: Repositories['shop'];
export let config: string;
export let work: string;
export let job: Env;
/** The same without anything that lets a job sign. */
export let plain: Env;

export type Env = Readonly<Record<string, string | undefined>>;

export interface GitlabJob {
  readonly extends?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly script?: readonly string[];
  readonly id_tokens?: object;
  readonly rules?: readonly { readonly if: string }[];
}

export type GithubJobs = Readonly<
  Record<
    string,
    {
      readonly permissions: Readonly<Record<string, string>>;
      readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[];
    }
  >
>;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One step of a job: a process of its own, with the environment of its job and nothing else. */
export function cg(words: readonly string[], env: Env, cwd = work): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd,
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', chunk => (stdout += chunk));
    child.stderr.on('data', chunk => (stderr += chunk));
    child.once('error', reject);
    child.once('close', code => resolve({ code, stdout, stderr }));
  });
}

/** Every stage succeeds, and prints what its published schema says. */
export async function ok(words: readonly string[], env: Env): Promise<ReturnType<typeof JSON.parse>> {
  const { code, stdout, stderr } = await cg([...words, '--output', 'json'], env);
  expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' });
  const result: unknown = JSON.parse(stdout);
  expect({ words, problems: problemsOf(words, result) }).toEqual({ words, problems: [] });
  return result;
}

const validators = new Map<string, ValidateFunction>();

export function problemsOf([group = '', stage = '']: readonly string[], result: unknown): unknown {
  const name = group === 'ci' ? `ci-${stage}` : group;
  const path = join(import.meta.dirname, `../../schema/output/${name}.schema.json`);
  const validate =
    validators.get(name) ?? new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync(path, 'utf8')));
  validators.set(name, validate);
  return validate(result) ? [] : validate.errors;
}

export const ci = (...words: readonly string[]) => ['ci', ...words];
export const local = () => ['--sigstore-data', workshop.sigstore];
export const believe = () => ['--allow-local-trust', ...local()];
export const json = (path: string) => JSON.parse(readFileSync(join(work, path), 'utf8'));

export function useJob(own: { readonly job: Env; readonly plain: Env }): void {
  ({ job, plain } = own);
}

export async function startJob(forge: Forge, commit: string, run: number): Promise<void> {
  const common = { CG_DB: advisoriesOf(workshop) };
  job = { ...(await jobEnvironment(forge, commit, run, workshop)), ...common };
  const { SIGSTORE_ID_TOKEN: _token, ...rest } = job;
  plain = rest;
}

export async function plan(): Promise<readonly string[]> {
  await ok(ci('plan', '--event', 'merge', ...believe(), '--out', '.cg/plan.json'), plain);
  return json('.cg/plan.json').images;
}

export const build = (name: string) =>
  ok(ci('build', name, '--push-by-digest', '--no-cache-import', '--out', `.cg/build/${name}.json`), plain);
export const scan = (name: string) =>
  ok(ci('scan', `@.cg/build/${name}.json`, '--image', name, '--sbom', '--out', `.cg/scan/${name}`), plain);

/** The job that signs, as the samples of the pipelines have it. */
export async function sign(name: string): Promise<void> {
  const ref = `@.cg/build/${name}.json`;
  await ok(ci('gate', ref, '--scan', `.cg/scan/${name}`), job);
  await ok(ci('attest', ref, '--scan', `.cg/scan/${name}`, '--local', ...local()), job);
  await ok(ci('sign', ref, '--local', ...local()), job);
  await ok(ci('verify', ref, '--promotion', 'promotion.yaml', ...believe()), job);
  await ok(ci('publish', ref, '--image', name, ...believe(), '--out', `.cg/results/${name}.json`), job);
}

export async function deliver(
  names: readonly string[],
  kept: object = [],
): Promise<{ readonly changes: object[] }> {
  const expected = ['--expect', JSON.stringify(names), '--kept', JSON.stringify(kept)];
  const collected = ['--results', '.cg/results', '--verify', '--out', '.cg/release.json', ...believe()];
  await ok(ci('collect', ...expected, ...collected), plain);
  return await ok(ci('bump', '--release', '.cg/release.json', '--stage', 'dev', ...believe()), plain);
}

export async function overlay(environment = 'dev'): Promise<string> {
  const folder = mkdtempSync(join(workshop.folder, 'clone-'));
  await new Git(folder, { env: workshop.env }).run(['clone', '--quiet', config, '.']);
  return readFileSync(join(folder, `overlays/${environment}/kustomization.yaml`), 'utf8');
}

/** A registry, a Sigstore, a Git remote and the shop with its pipeline, all on this machine. */
export async function openLine(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-line-'));
  const ready = await new Promise<UpReady>((resolve, reject) => {
    const { signal } = stop;
    running = up({ data: join(folder, 'up'), addr: '127.0.0.1:0', signal, onReady: resolve });
    running.catch(reject);
  });
  await clearWorkshop(join(folder, 'shop'));
  const env = storyEnvironment(process.env, join(folder, 'shop'));
  git = await serveGit(join(folder, 'git'), env);
  workshop = {
    folder: join(folder, 'shop'),
    example: join(import.meta.dirname, '../../examples/bookstore'),
    host: new URL(ready.registry).host,
    sigstore: ready.sigstore,
    issuer: ready.signer?.issuer ?? '',
    git,
    clock: systemClock,
    demoClock: new DemoClock(systemClock),
    version: '0.0.0',
    env,
    signal: stop.signal,
  };
  const teller = new Teller(() => {});
  await publishBases(workshop, teller);
  const repositories = await commitShop(workshop, teller);
  config = repositories.config.remote;
  await learnAdvisories(workshop, teller, ['today']);
  work = repositories.shop.work;
  // All services in one list, and those that stand on a base without flaws in the one of the pipeline.
  const all = readFileSync(join(work, 'images.yaml'), 'utf8');
  writeFileSync(join(work, 'all.yaml'), all);
  writeFileSync(
    join(work, 'images.yaml'),
    all.replace(/ {2}- name: catalog[\s\S]*?(?= {2}- name: cart)/, ''),
  );
  const project = readFileSync(join(work, '.cascadeguard.yaml'), 'utf8');
  const more = 'scan: { require: 1-engine }\nci: { test: ["test", "-f", "Dockerfile"] }\n';
  writeFileSync(join(work, '.cascadeguard.yaml'), project + more);
  writeFileSync(join(work, '.gitignore'), '.cg/\n');
  const commit = await commitAndPush(workshop, work, repositories.shop.remote, 'Set up the pipeline');
  shop = { ...repositories.shop, commit };
  await startJob('github', commit, 1);
}

export async function closeLine(): Promise<void> {
  await git?.close();
  stop.abort();
  await running;
  rmSync(join(workshop.folder, '..'), { recursive: true, force: true });
}

export const perImage = ['test', 'build', 'scan', 'gate', 'attest', 'sign', 'verify', 'publish'];

/** Commits a pipeline with its policy, and begins its run; gives back what puts the shop's own files in place again. */
export async function generatePipeline(forge: Forge, repository: string, run: number): Promise<() => void> {
  const own = ['policy.yaml', 'promotion.yaml', '.cascadeguard.yaml'].map(
    name => [join(work, name), readFileSync(join(work, name), 'utf8')] as const,
  );
  for (const name of ['policy.yaml', 'promotion.yaml']) rmSync(join(work, name));
  const image = `cli: { image: "docker.io/library/node:24@sha256:${'5'.repeat(64)}" }\n`;
  const project = own[2]?.[1].replaceAll(', promotion: promotion.yaml', '') ?? '';
  writeFileSync(join(work, '.cascadeguard.yaml'), project + image);
  const generate = ['tools', 'generate', '--platform', forge, '--repository', repository];
  expect((await cg(generate, plain)).code).toBe(0);
  // The certificate authority of this machine stands in for the public one, and knows one workflow of GitHub.
  const policy = parse(readFileSync(join(work, 'policy.yaml'), 'utf8')) as { identity: object };
  const identity = { issuer: workshop.issuer, subject: workflows[forge] };
  if (forge === 'gitlab') expect(policy.identity).toMatchObject({ subject: identity.subject });
  writeFileSync(join(work, 'policy.yaml'), JSON.stringify({ ...policy, identity }));
  for (const name of ['cart', 'web'])
    writeFileSync(join(work, 'services', name, 'server.js'), `// ${name} of the pipeline of ${forge}\n`);
  await startJob(forge, await commitAndPush(workshop, work, shop.remote, `Generate for ${forge}`), run);
  for (const folder of ['build', 'scan', 'results'])
    rmSync(join(work, '.cg', folder), { recursive: true, force: true });
  return () => {
    for (const [path, before] of own) writeFileSync(path, before);
  };
}

/** A line of a generated script, as a shell reads it: words with variables in them, and no more. */
export async function runLine(line: string, env: Env, ran: string[]): Promise<void> {
  const words = line
    .split(' ')
    .slice(1)
    .map(word => word.replaceAll('"', '').replace(/\$(\w+)/, (_, name: string) => env[name] ?? ''));
  const [noun, stage = ''] = words;
  // Advisories come from the network, where the story brought its own; and npm is not asked here.
  if (!line.startsWith('.cascadeguard/bin/cg ') || noun === 'db') return;
  if (['attest', 'sign'].includes(stage)) words.push('--local', ...local());
  if (['plan', 'verify', 'publish', 'collect', 'resolve', 'bump', 'rescan'].includes(stage))
    words.push(...believe());
  await ok(words, env);
  ran.push(stage);
}

const conditions = { merge: 'CI_DEFAULT_BRANCH', release: 'CI_COMMIT_TAG', nightly: 'CG_SCHEDULE' } as const;
export type LineEvent = keyof typeof conditions;

/** Every job of an event, as the generated pipeline of GitLab has it. */
export async function runGitlab(event: LineEvent, more: Env = {}): Promise<readonly string[]> {
  const jobs = parse(readFileSync(join(work, '.gitlab/cg/pipeline.yml'), 'utf8')) as Record<
    string,
    GitlabJob
  >;
  const ran: string[] = [];
  for (const { extends: template = '', variables = {}, script, rules = [] } of Object.values(jobs)) {
    if (!rules.some(rule => rule.if.includes(conditions[event]))) continue;
    const env = jobs[template]?.id_tokens === undefined ? plain : job;
    for (const line of script ?? jobs[template]?.script ?? [])
      await runLine(line, { ...env, ...variables, ...more }, ran);
  }
  return ran;
}

export function readWorkflow(name: string): GithubJobs {
  const text = readFileSync(join(work, `.github/workflows/cg-${name}.yml`), 'utf8');
  return (parse(text) as { jobs: GithubJobs }).jobs;
}

/** The merge, as the generated workflows of GitHub have it. */
export async function runGithubMerge(): Promise<readonly string[]> {
  const ran: string[] = [];
  const [merge, image] = [readWorkflow('merge'), readWorkflow('image')];
  const { images = '', kept = '' } = await runGithubJob(merge['plan'], {}, ran);
  for (const name of JSON.parse(images) as string[]) {
    const values: Record<string, string> = { 'inputs.image': name };
    for (const [id, one] of Object.entries(image)) {
      const outputs = await runGithubJob(one, values, ran);
      for (const [key, value] of Object.entries(outputs)) values[`needs.${id}.outputs.${key}`] = value;
      // Each image has an artifact of its own; here they lie in one folder.
      if (id === 'sign') rmSync(join(work, '.cg/scan'), { recursive: true });
    }
  }
  await runGithubJob(
    merge['bump'],
    { 'needs.plan.outputs.images': images, 'needs.plan.outputs.kept': kept },
    ran,
  );
  return ran;
}

/** The steps of a job, with what the expressions in their environment stand for; its outputs. */
export async function runGithubJob(
  one: GithubJobs[string] | undefined,
  values: Readonly<Record<string, string>>,
  ran: string[],
  more: Env = {},
): Promise<Readonly<Record<string, string>>> {
  const file = join(work, '.cg/outputs');
  mkdirSync(join(work, '.cg'), { recursive: true });
  writeFileSync(file, '');
  const signs = one?.permissions['id-token'] === 'write';
  for (const { run = '', env = {} } of one?.steps ?? []) {
    const own = Object.entries(env).map(([name, text]) => {
      const [, expression = ''] = /^\$\{\{ (.*) \}\}$/.exec(text) ?? [];
      return [name, values[expression]] as const;
    });
    const variables = { ...(signs ? job : plain), GITHUB_OUTPUT: file, ...Object.fromEntries(own), ...more };
    for (const line of run.split('\n')) await runLine(line, variables, ran);
  }
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return Object.fromEntries(
    lines.map(text => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
}

export async function expectPinned(names: readonly string[]): Promise<void> {
  const text = await overlay();
  for (const name of names)
    expect(text).toContain(`digest: ${json(`.cg/results/${name}.json`).ref.split('@')[1]}`);
}

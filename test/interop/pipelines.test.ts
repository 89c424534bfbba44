import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readGitlabSchema } from '../gitlab-schema.ts';
import { findNodes } from '../nodes.ts';
import { findPeer } from '../peers.ts';
import { generate, git, gitops, jobImage, makeRepository } from '../pipeline-repository.ts';
import { problemsOfGitlab, problemsOfGraph, problemsOfWorkflow } from '../pipelines/job-graph.ts';
import { type LanguageService, loadLanguageService } from '../pipelines/language-service.ts';

/** Names that YAML takes for something else, and a list that is longer than GitLab lets a job need. */
const strangeNames = ['true', 'null', '1.10', '0x1F', '2026-11-24', 'constructor', 'no', 'e1'];
const manyNames = [...strangeNames, ...Array.from({ length: 60 }, (_, at) => `image-${at}`)];
const workflows = ['cg-pr', 'cg-merge', 'cg-image', 'cg-release'].map(
  name => `.github/workflows/${name}.yml`,
);
const nightly = '.github/workflows/cg-nightly.yml';
const included = '.gitlab/cg/pipeline.yml';

const folders: string[] = [];
const repositories: Record<string, string> = {};
let service: LanguageService;

beforeAll(async () => {
  const project = { cli: { image: jobImage } };
  const wishes = {
    'two images and an environment': {},
    'no environment': { project },
    'names that mean something else': { images: strangeNames, project: { ...project, gitops } },
    'many images': { images: manyNames, project: { ...project, gitops } },
  };
  for (const [name, wish] of Object.entries(wishes)) {
    const folder = makeRepository(wish);
    folders.push(folder);
    repositories[name] = folder;
    await generate(folder);
  }
  const temporary = mkdtempSync(join(tmpdir(), 'cg-language-'));
  folders.push(temporary);
  service = await loadLanguageService(temporary);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const kinds = [
  'two images and an environment',
  'no environment',
  'names that mean something else',
  'many images',
] as const;
const textOf = (kind: (typeof kinds)[number], path: string) =>
  readFileSync(join(repositories[kind] ?? '', path), 'utf8');

/** Without an environment nothing says what is deployed, and nothing is scanned at night. */
const workflowsOf = (kind: (typeof kinds)[number]) =>
  kind === 'no environment' ? workflows : [...workflows, nightly];

describe.each(kinds)('pipelines of a repository with %s', kind => {
  it.each(workflowsOf(kind))('GitHub underlines nothing in %s', async path => {
    const text = textOf(kind, path);
    expect(service.parse(path, text)).toEqual([]);
    expect(await service.validate(path, text)).toEqual([]);
  });

  it('every job can start when it should', () => {
    expect(workflowsOf(kind).flatMap(path => problemsOfWorkflow(textOf(kind, path)))).toEqual([]);
    expect(problemsOfGitlab(textOf(kind, included))).toEqual([]);
  });

  it("fit GitLab's own schema", () => {
    const validate = new Ajv({ strict: false, logger: false }).compile(readGitlabSchema());
    for (const path of [included, '.gitlab-ci.yml']) {
      validate(parse(textOf(kind, path)));
      expect(validate.errors ?? []).toEqual([]);
    }
  });

  it('mean the same to readers of YAML 1.1 and 1.2', () => {
    const text = textOf(kind, included);
    expect(parse(text, { version: '1.1' })).toEqual(parse(text, { version: '1.2' }));
  });
});

describe('the judges of pipelines', () => {
  it('see what they are for', async () => {
    const path = workflows[0] ?? '';
    const text = textOf('two images and an environment', path);
    const wrong = text.replace('needs: [plan]', 'needs: [plant]');
    expect((await service.validate(path, wrong)).length).toBeGreaterThan(0);
    expect(service.parse(path, text.replace('runs-on:', 'runs-in:')).length).toBeGreaterThan(0);
    expect(
      (await service.validate(path, text.replace('matrix.image', 'matrix.imag'))).length,
    ).toBeGreaterThan(0);
    const validate = new Ajv({ strict: false, logger: false }).compile(readGitlabSchema());
    expect(validate({ job: { script: 'x', timeout: [] } })).toBe(false);
    expect(problemsOfWorkflow(wrong)).toEqual(['image needs plant, which is not there']);
    expect(
      problemsOfGraph(
        new Map([
          ['a', ['b']],
          ['b', ['a']],
          ['c', []],
        ]),
      ),
    ).toEqual(['these wait for each other: a, b']);
    const gitlab = textOf('two images and an environment', included);
    expect(problemsOfGitlab(gitlab.replace('job: cg:build:api', 'job: cg:mr:api')).length).toBeGreaterThan(0);
  });
});

const actionlint = findPeer('actionlint');
const zizmor = findPeer('zizmor') ?? findPeer('py-zizmor');
/** It needs functions of sets that Node 20 lacks. */
const node22 =
  Number(process.versions.node.split('.')[0]) >= 22
    ? process.execPath
    : findNodes().find(({ name, path }) => name !== 'this Node' && path !== undefined)?.path;

describe.skipIf(actionlint === undefined)(`actionlint${actionlint ? '' : ' [needs actionlint]'}`, () => {
  it.each(kinds)('finds nothing in the workflows of a repository with %s', kind => {
    expect(runTool(actionlint ?? '', ['-no-color', ...workflowsOf(kind)], repositories[kind] ?? '')).toEqual({
      code: 0,
      text: '',
    });
  });
});

describe.skipIf(zizmor === undefined)(`zizmor${zizmor ? '' : ' [needs zizmor]'}`, () => {
  it('finds nothing', () => {
    const args = ['--offline', '--no-progress', '--format=plain', '.github/workflows'];
    const { code, text } = runTool(zizmor ?? '', args, repositories['two images and an environment'] ?? '');
    expect(text).toContain('No findings to report');
    expect(code).toBe(0);
  });
});

describe.skipIf(node22 === undefined)(`gitlab-ci-local${node22 ? '' : ' [needs Node 22]'}`, () => {
  it('lists every job of each event', () => {
    const folder = repositories['two images and an environment'] ?? '';
    git(folder, 'add', '--all');
    git(folder, 'commit', '--quiet', '-m', 'Begin');
    git(folder, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
    git(folder, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    const tool = join(import.meta.dirname, '../../node_modules/gitlab-ci-local/dist/index.js');
    const list = (source: string, ...more: readonly string[]) => {
      const variables = [`CI_PIPELINE_SOURCE=${source}`, 'CI_COMMIT_REF_PROTECTED=true', ...more];
      const flags = variables.flatMap(one => ['--variable', one]);
      const ignored = ['--ignore-predefined-vars', 'CI_COMMIT_REF_PROTECTED,CI_PIPELINE_SOURCE'];
      const { code, text } = runTool(node22 ?? '', [tool, '--list-csv', ...flags, ...ignored], folder);
      expect(code, text).toBe(0);
      return [...text.matchAll(/^(cg:[^;]+);/gm)].map(([, name]) => name).toSorted();
    };
    expect(list('push')).toEqual(
      [
        ...['build', 'scan', 'sign'].flatMap(id => [`cg:${id}:api`, `cg:${id}:web`]),
        'cg:bump:dev',
      ].toSorted(),
    );
    expect(list('merge_request_event')).toContain('cg:mr:check');
    expect(list('schedule', 'CG_SCHEDULE=nightly')).toEqual(['cg:nightly:rescan']);
    expect(list('schedule', 'CG_SCHEDULE=other')).toEqual([]);
    expect(list('push', 'CI_COMMIT_TAG=v1.0.0')).toEqual(
      expect.arrayContaining(['cg:bump:prod', 'cg:promote']),
    );
  });
});

function runTool(program: string, args: readonly string[], cwd: string): { code: number; text: string } {
  try {
    const text = execFileSync(program, args, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1' },
      timeout: 60_000,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: 0, text };
  } catch (error) {
    const { status, stdout, stderr } = error as { status?: number; stdout?: string; stderr?: string };
    return { code: status ?? -1, text: `${stdout ?? ''}${stderr ?? ''}` };
  }
}

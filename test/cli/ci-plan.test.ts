import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './pretend.ts';

let cwd: string;

const write = (path: string, content: string | object) => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), typeof content === 'string' ? content : JSON.stringify(content));
};
const entry = (name: string, more: object = {}) => ({
  name,
  registry: '127.0.0.1:1',
  repository: `shop/${name}`,
  dockerfile: `${name}/Dockerfile`,
  context: name,
  ...more,
});
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@noreply.invalid', ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: 'pipe',
  });
const ci = async (words: readonly string[], env: Record<string, string> = {}) =>
  await runCli(['ci', ...words], { cwd, env: { HOME: cwd, PATH: process.env['PATH'] ?? '', ...env } });
const plan = async (...more: readonly string[]) => {
  const { code, stdout, stderr } = await ci(['plan', '--event', 'pr', '--output', 'json', ...more]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as { images: string[]; any: boolean; decisions: { reason: string }[] };
};

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'cg-plan-'));
  write('images.yaml', [entry('api'), entry('web')]);
  write('.cascadeguard.yaml', {
    ci: {
      shared: [
        { paths: ['docs/**'], images: [] },
        { paths: ['libs/**'], images: ['web'] },
        { paths: ['all'] },
      ],
    },
  });
  for (const name of ['api', 'web']) {
    write(`${name}/Dockerfile`, 'FROM scratch\nCOPY . /\n');
    write(`${name}/main`, name);
    write(`${name}/.dockerignore`, '*.md\n');
  }
  write('libs/one', '1');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '-m', 'Begin');
  git('checkout', '--quiet', '-b', 'change');
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe('cg ci plan --event pr', () => {
  it.each([
    ['a file of its context', 'web/main', ['web']],
    ['its Dockerfile', 'api/Dockerfile', ['api']],
    ['a file that .dockerignore leaves out', 'web/README.md', []],
    ['.dockerignore itself', 'web/.dockerignore', ['web']],
    ['a file that the project gives to nobody', 'docs/a/b.md', []],
    ['a file that the project gives to one', 'libs/one', ['web']],
    ['a file that the project gives to all', 'all', ['api', 'web']],
    ['a file that belongs to nobody', 'Makefile', ['api', 'web']],
    ['a folder whose name only begins like a context', 'webbing/main', ['api', 'web']],
    ['what is known of the images', '.cascadeguard/images/api.yaml', []],
    ['a policy', 'policy.yaml', ['api', 'web']],
  ])('%s', async (_what, path, expected) => {
    write(path, 'changed\n');
    if (path === 'api/Dockerfile') write(path, 'FROM scratch\nCOPY main /\n');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Change');
    const { images, any } = await plan('--base', 'main');
    expect({ images, any }).toEqual({ images: expected, any: expected.length > 0 });
  });

  it('compares what an entry says and not how it is written, and finds a new image', async () => {
    write('images.yaml', {
      images: [entry('web', { build: { args: { A: '1' } } }), entry('api'), entry('new')],
    });
    write('new/Dockerfile', 'FROM scratch\nCOPY . /\n');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Change');
    expect((await plan('--base', 'main')).images).toEqual(['web', 'new']);
  });

  it('takes what happened on the target since for no change, and a moved file for two', async () => {
    git('mv', 'web/main', 'api/moved');
    git('commit', '--quiet', '-m', 'Move');
    git('checkout', '--quiet', 'main');
    write('Makefile', 'later');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Later');
    git('checkout', '--quiet', 'change');
    const { decisions } = await plan('--base', 'main');
    expect(decisions.map(({ reason }) => reason)).toEqual(['api/moved changed', 'web/main changed']);
  });

  it('builds all where nothing says what to compare with, and refuses a base that is none', async () => {
    git('branch', '--delete', '--force', 'main');
    expect((await plan()).images).toEqual(['api', 'web']);
    for (const base of ['main', '--upload-pack=x', '']) {
      const { code } = await ci(['plan', '--event', 'pr', `--base=${base}`]);
      expect(code).toBe(2);
    }
  });

  it('writes the names and whether there are any where a forge reads them', async () => {
    await plan('--base', 'main', '--out', 'lines');
    write('web/main', 'other');
    await plan('--base', 'main', '--out', 'lines');
    await plan('--base', 'main', '--out', 'plan.json');
    expect(readFileSync(join(cwd, 'lines'), 'utf8')).toBe(
      'images=[]\nany=false\nkept=[]\nimages=["web"]\nany=true\nkept=[]\n',
    );
    expect(JSON.parse(readFileSync(join(cwd, 'plan.json'), 'utf8'))).toEqual({
      images: ['web'],
      any: true,
      kept: [],
    });
  });
});

describe('cg ci build', () => {
  it('says what lies in the context and in no commit', async () => {
    const build = async () => (await ci(['build', 'web', '--oci-layout', 'oci'])).stderr;
    write('web/notes.md', 'left out');
    expect(await build()).not.toContain('no commit holds');
    write('web/coverage/a', '1');
    write('web/coverage/b', '2');
    expect(await build()).toContain('coverage/a and 1 more in the context of web: no commit holds them');
  });
});

describe('cg ci plan --event merge', () => {
  it('builds everything where no policy says whom to believe', async () => {
    const { code, stdout } = await ci(['plan', '--event', 'merge']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^build {2}api {2}no policy .*\nbuild {2}web {2}no policy .*\n$/);
  });

  it('never says "nothing to do" when the registry cannot be reached', async () => {
    write('policy.yaml', { identity: { subject: 'a', issuer: 'https://issuer.invalid' } });
    const { code, stderr } = await ci(['plan', '--event', 'merge', '--out', 'lines']);
    expect(code).toBe(3);
    expect(stderr).toContain('127.0.0.1:1');
    expect(() => readFileSync(join(cwd, 'lines'))).toThrow(/ENOENT/);
  });

  it('builds what the registry does not show: that is also said of what does not exist', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"DENIED","message":"denied"}]}');
    });
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    try {
      const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      write('images.yaml', [entry('api', { registry })]);
      write('policy.yaml', { identity: { subject: 'a', issuer: 'https://issuer.invalid' } });
      const { code, stdout } = await ci(['plan', '--event', 'merge']);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^build {2}api .*DENIED/) });
    } finally {
      server.close();
    }
  });

  it('is not told what to compare with', async () => {
    expect((await ci(['plan', '--event', 'merge', '--base', 'main'])).code).toBe(2);
  });
});

describe('cg ci test', () => {
  const program = (path: string, text: string) => {
    write(path, `#!/bin/sh\n${text}\n`);
    chmodSync(join(cwd, path), 0o755);
  };

  it('says that there is no test, and never that it passed', async () => {
    const { code, stdout, stderr } = await ci(['test', 'api']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'none  api\n' });
    expect(stderr).toContain('has no test');
  });

  it('runs the words of the image without a shell, in its folder, and passes on what they print', async () => {
    program('api/check', 'pwd; echo "$1" >&2; echo "$CG_IMAGE"');
    write('images.yaml', [entry('api', { test: ['./check', '$HOME; exit 3'] }), entry('web')]);
    const { code, stdout, stderr } = await ci(['test', 'api']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'passed  api\n' });
    expect(stderr.split('\n').toSorted()).toEqual(['', '$HOME; exit 3', join(cwd, 'api'), 'api'].toSorted());
  });

  it('runs ci.test, or the program of the project, for every image', async () => {
    program('.cascadeguard/hooks/test', 'exit 7');
    expect((await ci(['test', 'web'])).stdout).toBe('failed  web  exit code 7\n');
    write('.cascadeguard.yaml', { ci: { test: 'true' } });
    expect((await ci(['test', 'web'])).code).toBe(0);
  });

  it.each([
    ['fails', 'exit 1', 1],
    ['is ended by a signal', 'kill -9 $$', 1],
    ['never ends', 'sleep 60 & wait', 1],
  ])('exits with %s of a test that %s', async (_what, text, code) => {
    program('.cascadeguard/hooks/test', text);
    expect((await ci(['test', 'web', '--timeout', '1s'])).code).toBe(code);
  });

  it('refuses a shell line, a program that cannot run, and a job that can sign', async () => {
    write('.cascadeguard/hooks/test', 'exit 0');
    expect((await ci(['test', 'web'])).code).toBe(2);
    const signing = await ci(['test', 'web'], { SIGSTORE_ID_TOKEN: 'secret-value' });
    expect(signing.code).toBe(2);
    expect(signing.stderr).not.toContain('secret-value');
    write('.cascadeguard.yaml', { ci: { test: 'npm test' } });
    const shell = await ci(['test', 'web']);
    expect(shell.code).toBe(2);
    expect(shell.stderr).toContain('[npm, test]');
  });

  it('keeps the tokens of the job from the test', async () => {
    program('.cascadeguard/hooks/test', 'env');
    const { stderr } = await ci(['test', 'web'], {
      GITHUB_TOKEN: 'token-1',
      CI_JOB_TOKEN: 'token-2',
      CI_REGISTRY_PASSWORD: 'token-3',
      DATABASE_URL: 'mine',
    });
    expect(stderr).toContain('DATABASE_URL=mine');
    expect(stderr).not.toMatch(/token-\d/);
  });
});

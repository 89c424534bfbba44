import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './pretend.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const api = `registry.example/shop/api@${digest}`;
const web = `registry.example/shop/web@${digest}`;
let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'cg-ci-'));
  const entry = (name: string) => ({
    name,
    registry: 'registry.example',
    repository: `shop/${name}`,
    dockerfile: `${name}/Dockerfile`,
    context: name,
  });
  writeFileSync(join(cwd, 'images.yaml'), JSON.stringify([entry('api'), entry('web')]));
  mkdirSync(join(cwd, 'api'));
  writeFileSync(join(cwd, 'api/Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  mkdirSync(join(cwd, 'results'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const ci = async (words: readonly string[], env: Record<string, string> = {}) =>
  await runCli(['ci', ...words], { cwd, env: { HOME: cwd, PATH: process.env['PATH'] ?? '', ...env } });
const result = (file: string, image: string, ref: string) =>
  writeFileSync(join(cwd, 'results', file), JSON.stringify({ image, ref }));
const collect = async () =>
  await ci(['collect', '--expect', '["web","api"]', '--results', 'results', '--out', 'release.json']);

describe('cg ci', () => {
  it.each(['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SIGSTORE_ID_TOKEN'])(
    'refuses to build or scan where %s would let the job sign',
    async name => {
      const env = { [name]: 'secret-value' };
      const built = await ci(['build', 'api', '--oci-layout', 'oci'], env);
      const scanned = await ci(['scan', api, '--image', 'api', '--out', 'scan'], env);
      expect([built.code, scanned.code]).toEqual([2, 2]);
      expect(built.stderr + scanned.stderr).toContain(name);
      expect(built.stderr + scanned.stderr).not.toContain('secret-value');
    },
  );

  it('builds into a folder and hands the digest and the record on, as JSON and as lines', async () => {
    expect((await ci(['build', 'api', '--oci-layout', 'oci', '--out', 'build.json'])).code).toBe(0);
    const { ref, record } = JSON.parse(readFileSync(join(cwd, 'build.json'), 'utf8'));
    expect(ref).toMatch(/^oci:.*@sha256:[0-9a-f]{64}$/);
    expect(ref.endsWith(record.digest)).toBe(true);
    writeFileSync(join(cwd, 'lines'), 'before=1\n');
    await ci(['build', 'api', '--oci-layout', 'oci', '--out', 'lines']);
    expect(readFileSync(join(cwd, 'lines'), 'utf8')).toMatch(
      /^before=1\nimage=api\nref=oci:.*\nrecord=\{.*\}\n$/,
    );
  });

  it('builds an image by its name, as images.yaml says, and a folder where there is one', async () => {
    const entry = {
      name: 'site',
      registry: 'registry.example',
      repository: 'shop/site',
      dockerfile: 'pages/Site.Dockerfile',
      context: 'pages',
      build: { args: { WORD: 'one' }, target: 'two', platforms: ['linux/arm64'] },
    };
    writeFileSync(join(cwd, 'images.yaml'), JSON.stringify([entry]));
    mkdirSync(join(cwd, 'pages'));
    const lines = [
      'ARG WORD',
      'FROM scratch AS two',
      'ARG WORD',
      'COPY $WORD /',
      'FROM scratch',
      'COPY three /',
    ];
    writeFileSync(join(cwd, 'pages/Site.Dockerfile'), `${lines.join('\n')}\n`);
    writeFileSync(join(cwd, 'pages/one'), '1');
    const build = async (...words: readonly string[]) =>
      await runCli(['build', ...words, '--output', 'json'], {
        cwd,
        env: { HOME: cwd, PATH: '/nonexistent' },
      });
    const built = await build('site', '--to', 'oci:out');
    expect({ code: built.code, stderr: built.code === 0 ? '' : built.stderr }).toEqual({
      code: 0,
      stderr: '',
    });
    expect(JSON.parse(built.stdout).record).toMatchObject({
      dockerfile: 'Site.Dockerfile',
      context: 'pages',
      target: 'two',
      platforms: ['linux/arm64'],
      buildArgs: { WORD: 'one' },
    });
    expect((await build('site', '--offline')).stdout).toContain('registry.example');
    mkdirSync(join(cwd, 'site'));
    for (const name of ['site', 'nobody']) {
      const { code, stdout } = await build(name);
      expect([code, stdout.includes('USAGE')]).toEqual([2, true]);
    }
  });

  it('collects one digest for each image', async () => {
    result('1.json', 'web', web);
    result('2.json', 'api', api);
    expect((await collect()).code).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, 'release.json'), 'utf8'))).toEqual({
      images: [
        { image: 'api', ref: api },
        { image: 'web', ref: web },
      ],
    });
  });

  it('keeps in the release what a plan left out, also where nothing was built', async () => {
    const collectKept = async (expected: string, kept: object) =>
      await ci([
        'collect',
        '--expect',
        expected,
        '--kept',
        JSON.stringify(kept),
        '--results',
        'results',
        '--out',
        'release.json',
      ]);
    const images = () => JSON.parse(readFileSync(join(cwd, 'release.json'), 'utf8')).images;
    const [one, other] = [
      { image: 'api', ref: api },
      { image: 'web', ref: web },
    ];
    expect((await collectKept('[]', [other, one])).code).toBe(0);
    expect(images()).toEqual([one, other]);
    result('1.json', 'web', web);
    expect((await collectKept('["web"]', [one])).code).toBe(0);
    expect(images()).toEqual([one, other]);
    expect((await collectKept('["web"]', [other])).code).toBe(4);
    expect((await collectKept('["web"]', [{ image: 'api', ref: web }])).code).toBe(4);
    expect((await collectKept('["web"]', { image: 'api' })).code).toBe(2);
  });

  it.each([
    ['a missing image', () => result('1.json', 'web', web)],
    ['a duplicate', () => ['1.json', '2.json'].map(file => result(file, 'web', web))],
    ['an image nobody expected', () => result('1.json', 'other', web)],
    ['a repository that is not its own', () => result('1.json', 'web', api)],
    ['nothing at all', () => rmSync(join(cwd, 'results'), { recursive: true })],
    ['an empty file', () => writeFileSync(join(cwd, 'results/web.json'), '')],
    ['a digest in capitals', () => result('1.json', 'web', web.toUpperCase())],
    ['no digest', () => result('1.json', 'web', '')],
    ['a tag', () => result('1.json', 'web', 'registry.example/shop/web:1')],
  ])('collects nothing with %s: exit code 4', async (_what, write) => {
    write();
    expect((await collect()).code).toBe(4);
  });

  it('signs and verifies no tag', async () => {
    expect((await ci(['sign', 'registry.example/shop/api:1'])).code).toBe(2);
    expect((await ci(['verify', 'registry.example/shop/api:1', '--policy', 'policy.yaml'])).code).toBe(2);
  });
});

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
  it.each([
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'SIGSTORE_ID_TOKEN',
    'COSIGN_PASSWORD',
    'COSIGN_PRIVATE_KEY',
    'COSIGN_KEY',
    'ANY_NAME',
  ])('refuses to build or scan where %s would let the job sign', async name => {
    const pem = '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----';
    const env = { [name]: `${name === 'ANY_NAME' ? pem : ''}secret-value` };
    const built = await ci(['build', 'api', '--oci-layout', 'oci'], env);
    const scanned = await ci(['scan', api, '--image', 'api', '--out', 'scan'], env);
    expect([built.code, scanned.code]).toEqual([2, 2]);
    expect(built.stderr + scanned.stderr).toContain(name);
    expect(built.stderr + scanned.stderr).not.toContain('secret-value');
  });

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

  it('builds an image by its name, as images.yaml says, and a folder of that name where --to says so', async () => {
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
    expect((await build('site', '--offline')).stdout).toContain('registry.example');
    expect((await build('site', '--to', 'oci:out')).stdout).toContain('Dockerfile');
    const { code, stdout } = await build('nobody');
    expect([code, stdout.includes('USAGE')]).toEqual([2, true]);
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

  const upper = web.replace('a'.repeat(64), 'A'.repeat(64));
  const other = web.replace('a'.repeat(64), 'b'.repeat(64));
  it.each([
    ['a missing image', 'no result for web', () => rmSync(join(cwd, 'results/web.json'))],
    ['a duplicate', 'a second result for web', () => result('3.json', 'web', web)],
    ['an image nobody expected', 'nobody expected', () => result('3.json', 'other', web)],
    [
      'the repository of another',
      'no digest of registry.example/shop/web',
      () => result('web.json', 'web', api),
    ],
    ['nothing at all', 'no result for api, web', () => rmSync(join(cwd, 'results'), { recursive: true })],
    ['an empty file', 'cannot be read', () => writeFileSync(join(cwd, 'results/3.json'), '')],
    ['a digest in capitals', 'no digest of', () => result('web.json', 'web', upper)],
    ['no digest', 'no digest of', () => result('web.json', 'web', '')],
    ['a tag', 'no digest of', () => result('web.json', 'web', 'registry.example/shop/web:1')],
    [
      'two digests of one repository',
      'two digests of registry.example/shop/web',
      () => {
        const images = readFileSync(join(cwd, 'images.yaml'), 'utf8').replace('shop/api', 'shop/web');
        writeFileSync(join(cwd, 'images.yaml'), images);
        result('api.json', 'api', other);
      },
    ],
  ])('collects nothing with %s: exit code 4', async (_what, says, spoil) => {
    result('web.json', 'web', web);
    result('api.json', 'api', api);
    // Without its fault it would be collected.
    expect((await collect()).code).toBe(0);
    spoil();
    const { code, stderr } = await collect();
    expect({ code, says: stderr.includes(says) }).toEqual({ code: 4, says: true });
  });

  it.each([
    [web, other],
    [`nginx@${digest}`, `docker.io/library/nginx@sha256:${'b'.repeat(64)}`],
  ])('pins nothing of a release with %s and %s: exit code 4', async (...refs) => {
    writeFileSync(join(cwd, 'release.json'), JSON.stringify({ images: refs.map(ref => ({ ref })) }));
    const { code, stderr } = await ci(['bump', '--release', 'release.json', '--stage', 'dev']);
    expect({ code, says: stderr.includes('two digests of') }).toEqual({ code: 4, says: true });
  });

  it('tests without any variable that looks like a credential, but with those that the project gives', async () => {
    const withheld = [
      'GITHUB_TOKEN',
      'CI_JOB_JWT_V2',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'GOOGLE_APPLICATION_CREDENTIALS',
      'DOCKER_AUTH_CONFIG',
      'CI_REGISTRY_PASSWORD',
      'SSH_AUTH_SOCK',
      'DEPLOY_KEY',
      'MY_PAT',
      'some_api_key',
      'CG_REGISTRY_USER',
      'CG_GITOPS_USER',
      'ACTIONS_RESULTS_URL',
      'GITHUB_ENV',
      'GITHUB_OUTPUT',
      'CI_REPOSITORY_URL',
    ];
    const seen = ['GIVEN_TOKEN', 'GITHUB_SHA', 'CI_COMMIT_AUTHOR', 'MY_PATH', 'KEYBOARD', 'HTTPS_PROXY'];
    const env = Object.fromEntries(
      [...withheld, ...seen].map(name => [name, 'https://user:word@example.com']),
    );
    for (const name of seen.slice(0, -1)) env[name] = 'x';
    const ask = 'process.stdout.write(JSON.stringify(process.env))';
    const settings = { test: [process.execPath, '-e', ask], testEnv: ['GIVEN_TOKEN'] };
    writeFileSync(join(cwd, '.cascadeguard.yaml'), JSON.stringify({ ci: settings }));
    const { code, stdout, stderr } = await ci(['test', 'api'], env);
    expect(code).toBe(0);
    const names = Object.keys(JSON.parse(/\{.*\}/.exec(stdout + stderr)?.[0] ?? '{}'));
    expect(withheld.filter(name => names.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining([...seen, 'CG_IMAGE', 'PATH', 'HOME']));
  });

  it('gives no tag to a digest of another repository than that of its image', async () => {
    writeFileSync(join(cwd, 'policy.yaml'), '{}');
    const { code, stderr } = await ci(['publish', web, '--image', 'api']);
    expect({ code, says: stderr.includes('api is not published there') }).toEqual({ code: 2, says: true });
  });

  it('signs and verifies no tag', async () => {
    expect((await ci(['sign', 'registry.example/shop/api:1'])).code).toBe(2);
    expect((await ci(['verify', 'registry.example/shop/api:1', '--policy', 'policy.yaml'])).code).toBe(2);
  });
});

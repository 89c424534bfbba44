import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, makeImage, seededRandom } from '../registry-content.ts';
import { useRegistry } from '../running-registry.ts';
import { runCli } from './pretend.ts';

const bench = useRegistry();
const random = seededRandom(21);
let cwd: string;
let base: Client;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-images-'));
  await bench.start();
  const url = bench.registry?.url ?? '';
  base = new Client(url, 'up/debian');
  await base.pushImage(makeImage(random), '12');
  const { host } = new URL(url);
  await writeFile(join(cwd, 'images.yaml'), `- name: shop\n  registry: ${host}\n  dockerfile: Dockerfile\n`);
  await writeFile(join(cwd, 'Dockerfile'), `FROM ${host}/up/debian:12\n`);
});

afterEach(async () => {
  await rm(cwd, { recursive: true });
});

const cg = (line: string, env: Record<string, string> = {}) => runCli(line.split(' '), { cwd, env });
const drift = () => base.pushImage(makeImage(random), '12');

describe('cg images', () => {
  it('exits 1 when a base changed, and as the older tool did when the project asks for it', async () => {
    expect((await cg('images check')).code).toBe(0);
    await drift();
    expect((await cg('images check --dry-run')).code).toBe(1);
    expect((await cg('images check --dry-run', { CASCADEGUARD_EXIT_CODES: 'legacy' })).code).toBe(2);
  });

  it('says what a plan cannot speak of, and what nothing connects', async () => {
    expect((await cg('images plan')).stderr).toContain('was never looked at; cg images check does');
    await cg('images check');
    expect((await cg('images plan')).stderr).not.toContain('never looked at');
    const { host } = new URL(bench.registry?.url ?? '');
    await writeFile(
      join(cwd, 'images.yaml'),
      `- name: shop\n  registry: ${host}\n  dockerfile: Dockerfile\n- name: debian\n  registry: ${host}\n  repository: up/debian\n  dockerfile: Dockerfile.debian\n`,
    );
    await writeFile(join(cwd, 'Dockerfile.debian'), 'FROM scratch\n');
    for (const command of ['images validate', 'images plan', 'images check'])
      expect((await cg(command)).stderr, command).toContain(
        'debian is published with the tag latest: nothing connects',
      );
    await writeFile(join(cwd, 'Dockerfile'), `FROM ${host}/up/debian:latest\n`);
    expect((await cg('images validate')).stderr).not.toContain('nothing connects');
  });

  it('puts what could not be looked at last, and images that wait for the same in one line', async () => {
    const { host } = new URL(bench.registry?.url ?? '');
    const names = ['a', 'b', 'c', 'd', 'e'];
    const entries = names.map(name => `- name: ${name}\n  registry: ${host}\n  dockerfile: Dockerfile\n`);
    await writeFile(
      join(cwd, 'Dockerfile'),
      `FROM ${host}/up/debian:12\nCOPY --from=${host}/up/none:1 / /\n`,
    );
    await writeFile(join(cwd, 'images.yaml'), entries.join(''));
    const { stderr } = await cg('images check');
    expect(stderr.match(/a, b, c and 2 more: .*waits/g)).toHaveLength(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      /incomplete: 1 thing could not be looked at: .*none.*--allow-unreachable/,
    );
  });

  it('exits 3 when a base cannot be looked at, and 1 in the older scheme', async () => {
    await writeFile(join(cwd, 'Dockerfile'), `FROM ${new URL(base.base).host}/up/none:1\n`);
    expect((await cg('images check')).code).toBe(3);
    expect((await cg('images check --allow-unreachable')).code).toBe(0);
    expect((await cg('images check', { CASCADEGUARD_EXIT_CODES: 'legacy' })).code).toBe(1);
  });

  it.each([
    ['check', 'images check'],
    ['check-upstream', 'images check --tags-only'],
    ['images check-upstream', 'images check --tags-only'],
    ['images pin', 'images check --no-commit'],
    ['validate', 'images validate'],
  ])('still understands cg %s, and says what it is called now', async (older, now) => {
    const { code, stderr } = await cg(older);
    expect({ code, said: stderr.split('\n')[0] }).toEqual({
      code: 0,
      said: `cg ${older} is now called cg ${now}`,
    });
  });

  it('takes the flags of its files before and after the verb, and --format as it was', async () => {
    await cg('images --state-dir here check');
    expect(await readFile(join(cwd, 'here/images/shop.yaml'), 'utf8')).toContain('name: shop');
    const { stdout, code } = await cg('images check --state-dir here --format json');
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      result: [
        { image: expect.stringMatching(/^base:/), status: 'ok' },
        { image: 'shop', status: 'quarantined' },
      ],
    });
  });

  it('writes to the job summary without taking anything away from it', async () => {
    const summary = join(cwd, 'summary.md');
    await writeFile(summary, '# before\n');
    await cg('images check', { GITHUB_STEP_SUMMARY: summary });
    expect(await readFile(summary, 'utf8')).toMatch(/^# before\n## CascadeGuard\n\n- 0 images checked/);
  });

  it('refuses what needs a forge by name, with the command that does without', async () => {
    const { code, stderr } = await cg('images check --promote');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('cg images check --no-commit'),
    });
  });

  it.each([
    ['images check --image shpo', 2, 'did you mean "shop"'],
    ['images status', 2, 'cg images check'],
    ['images check --images-yaml none.yaml', 2, 'cg images enrol'],
  ])('cg %s ends with %i', async (line, code, said) => {
    const ran = await cg(line);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: expect.stringContaining(said) });
  });

  it('generates once, says so with --check, and then has nothing to write', async () => {
    expect((await cg('images generate --check')).code).toBe(1);
    expect((await cg('images generate')).stdout.split('\n').filter(Boolean)).toHaveLength(2);
    expect(await cg('images generate --check')).toMatchObject({ code: 0, stdout: '' });
  });

  it('writes --auto-rebuild as it was said, and nothing when nothing was', async () => {
    const enrol = (name: string, more: string) =>
      cg(`images enrol --name ${name} --registry r.io --repository o/${name}${more}`);
    await enrol('a', '');
    await enrol('b', ' --auto-rebuild');
    await enrol('c', ' --no-auto-rebuild');
    const text = await readFile(join(cwd, 'images.yaml'), 'utf8');
    expect(text.match(/autoRebuild: \w+/g)).toEqual(['autoRebuild: true', 'autoRebuild: false']);
  });

  it('names an unwritable state folder without a trace of a bug', async () => {
    await mkdir(join(cwd, '.cascadeguard'));
    await writeFile(join(cwd, '.cascadeguard/images'), 'a file');
    expect((await cg('images check')).code).toBe(3);
  });
});

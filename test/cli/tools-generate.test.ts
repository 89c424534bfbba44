import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { generate, git, gitops, jobImage, makeRepository, version, write } from '../pipeline-repository.ts';
import { checkCall } from './check-call.ts';
import { runCli } from './pretend.ts';

const golden = join(import.meta.dirname, '../golden/pipelines');
const merge = '.github/workflows/cg-merge.yml';
const included = '.gitlab/cg/pipeline.yml';
const generated = [
  '.github/workflows/cg-pr.yml',
  merge,
  '.github/workflows/cg-image.yml',
  '.github/workflows/cg-release.yml',
  '.github/workflows/cg-nightly.yml',
  included,
  '.cascadeguard/bin/cg',
];
const kept = ['.cascadeguard/package.json', 'policy.yaml', '.gitlab-ci.yml'];
let cwd: string;

beforeEach(() => {
  cwd = makeRepository();
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const read = (path: string) => readFileSync(join(cwd, path), 'utf8');
const statuses = ({ files }: Awaited<ReturnType<typeof generate>>) =>
  Object.fromEntries(files.map(({ path, status }) => [path, status]));
const cli = async (...words: readonly string[]) =>
  await runCli(words, { cwd, env: { HOME: cwd, PATH: process.env['PATH'] ?? '' } });

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .filter(name => !name.startsWith('.git/'));
  return Object.fromEntries(names.toSorted().map(name => [name, readFileSync(join(folder, name), 'utf8')]));
}

describe('generated pipelines', () => {
  it('are what was reviewed, to the byte', async () => {
    await generate(cwd);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      rmSync(golden, { recursive: true, force: true });
      for (const [path, text] of Object.entries(filesOf(cwd))) write(golden, path, text);
    }
    expect(filesOf(cwd)).toEqual(filesOf(golden));
  });

  it('are the same in another folder, and the second time writes nothing', async () => {
    const other = makeRepository();
    try {
      await generate(cwd);
      await generate(other);
      expect(filesOf(other)).toEqual(filesOf(cwd));
      const before = generated.map(path => statSync(join(cwd, path)).mtimeMs);
      const again = await generate(cwd);
      expect(again.files.filter(({ written }) => written)).toEqual([]);
      expect(generated.map(path => statSync(join(cwd, path)).mtimeMs)).toEqual(before);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  it('have line feeds only, and a launcher that may be run', async () => {
    await generate(cwd);
    for (const path of generated) expect(read(path)).not.toContain('\r');
    expect(statSync(join(cwd, '.cascadeguard/bin/cg')).mode & 0o111).toBe(0o111);
    chmodSync(join(cwd, '.cascadeguard/bin/cg'), 0o644);
    expect(statuses(await generate(cwd, { mode: 'check' }))['.cascadeguard/bin/cg']).toBe('stale');
    await generate(cwd);
    expect(statSync(join(cwd, '.cascadeguard/bin/cg')).mode & 0o111).toBe(0o111);
  });

  it('call only commands that there are, with flags that they have', async () => {
    await generate(cwd);
    const calls = [
      ...callsOf(parse(read(included))),
      ...generated.slice(0, 5).flatMap(path => callsOf(parse(read(path)))),
    ];
    expect(calls.length).toBeGreaterThan(25);
    for (const call of calls) await expect(checkCall(call), call.join(' ')).resolves.toBeUndefined();
  });

  it('let no name of an image near a shell', async () => {
    const folder = makeRepository({ images: ['zebra-finch', 'true'] });
    try {
      await generate(folder);
      const lines = [included, ...generated.slice(0, 5)].flatMap(path =>
        linesOf(parse(readFileSync(join(folder, path), 'utf8'))),
      );
      expect(lines.length).toBeGreaterThan(25);
      for (const line of lines) {
        expect(line).not.toContain('zebra');
        expect(line).not.toContain('${{');
      }
      const jobs = parse(readFileSync(join(folder, included), 'utf8')) as Record<
        string,
        { variables?: object }
      >;
      expect(jobs['cg:build:true']?.variables).toEqual({ CG_IMAGE: 'true' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    ['"', 'letters, digits'],
    ['${{ github.token }}', 'letters, digits'],
    ['a\nb', 'letters, digits'],
  ])('are not written for an image called %j', async (name, message) => {
    write(
      cwd,
      'images.yaml',
      JSON.stringify([{ name, registry: 'ghcr.io', repository: 'a/b', dockerfile: 'Dockerfile' }]),
    );
    await expect(generate(cwd)).rejects.toThrow(message);
    expect(existsSync(join(cwd, '.github'))).toBe(false);
  });

  it('are refused by name for more images than a matrix may have', async () => {
    const folder = makeRepository({ images: Array.from({ length: 257 }, (_, at) => `i${at}`) });
    try {
      await expect(generate(folder)).rejects.toThrow('257 images');
      expect(existsSync(join(folder, '.github'))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('cg tools generate', () => {
  it.each(['tools generate', 'pipeline generate', 'ci generate', 'build generate', 'generate-ci'])(
    'is also spelt cg %s',
    async spelling => {
      const { code, stdout } = await cli(...spelling.split(' '), '--platform', 'gitlab', '--output', 'json');
      expect(code).toBe(0);
      const { platforms, files } = JSON.parse(stdout) as { platforms: string[]; files: { path: string }[] };
      expect(platforms).toEqual(['gitlab']);
      expect(files.map(({ path }) => path)).toEqual([included, '.cascadeguard/bin/cg', ...kept]);
    },
  );

  it('checks with exit code 1 and a diff, and writes nothing', async () => {
    const first = await cli('tools', 'generate', '--platform', 'github', '--check');
    expect([first.code, existsSync(join(cwd, '.github'))]).toEqual([1, false]);
    expect(first.stdout).toContain('+++ b/.github/workflows/cg-pr.yml');
    await cli('tools', 'generate', '--platform', 'github');
    expect((await cli('tools', 'generate', '--check')).code).toBe(0);
    writeFileSync(join(cwd, merge), `${read(merge)}# mine\n`);
    const edited = await cli('tools', 'generate', '--check');
    expect(edited.code).toBe(1);
    expect(edited.stdout).toContain('edited       .github/workflows/cg-merge.yml');
    expect(edited.stdout).toContain('\n-# mine');
  });

  it('shows what it would write, and writes nothing', async () => {
    const { code, stdout } = await cli('tools', 'generate', '--platform', 'github', '--dry-run');
    expect([code, existsSync(join(cwd, '.github'))]).toEqual([0, false]);
    expect(stdout).toContain('+name: cg-merge');
    expect(stdout).toContain(
      '+  subject: https://github.com/acme/shop/.github/workflows/cg-image.yml@refs/heads/main',
    );
  });

  it.each([[], ['--check'], ['--dry-run']])(
    'prints the JSON that its schema describes, with %j',
    async (...mode) => {
      const path = join(import.meta.dirname, '../../schema/output/tools-generate.schema.json');
      const validate = new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync(path, 'utf8')));
      const { stdout } = await cli('tools', 'generate', '--platform', 'all', '--output', 'json', ...mode);
      validate(JSON.parse(stdout));
      expect(validate.errors ?? []).toEqual([]);
    },
  );

  it('goes on with the forge whose files are there', async () => {
    await generate(cwd, { platform: 'gitlab' });
    expect(JSON.parse((await cli('tools', 'generate', '--output', 'json')).stdout).platforms).toEqual([
      'gitlab',
    ]);
    expect((await cli('tools', 'generate', '--platform', 'circle')).code).toBe(2);
  });

  it('has nothing to do without images, and says so', async () => {
    write(cwd, 'images.yaml', '[]\n');
    const { code, stdout, stderr } = await cli('tools', 'generate');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('nothing to make a pipeline for');
  });

  it('leaves out images that are built elsewhere, unless elsewhere is here', async () => {
    const remote = (repo: string) => ({
      name: repo.replace('/', '-'),
      registry: 'ghcr.io',
      source: { repo },
    });
    const own = { name: 'api', registry: 'ghcr.io', repository: 'a/b', dockerfile: 'Dockerfile' };
    write(cwd, 'images.yaml', JSON.stringify([own, remote('acme/shop'), remote('acme/else')]));
    await generate(cwd);
    expect(read(included)).toContain('cg:build:acme-shop:');
    expect(read(included)).not.toContain('acme-else');
  });
});

describe('files of others', () => {
  it.each([
    [
      'edited',
      () => writeFileSync(join(cwd, merge), read(merge).replace('cg-merge-', 'mine-')),
      'was edited',
      'git checkout -- ',
    ],
    ['unmanaged', () => writeFileSync(join(cwd, merge), 'on: push\n'), 'was not made by cg', 'move '],
  ])(
    'are refused when they are %s, with the way out, and nothing is written',
    async (_, change, what, next) => {
      await generate(cwd);
      rmSync(join(cwd, '.github/workflows/cg-pr.yml'));
      change();
      const { code, stderr } = await cli('tools', 'generate', '--platform', 'all');
      expect(code).toBe(2);
      expect(stderr).toContain('FILE_NOT_OURS');
      expect(stderr).toContain(what);
      expect(stderr).toContain(next);
      expect(existsSync(join(cwd, '.github/workflows/cg-pr.yml'))).toBe(false);
      expect((await cli('tools', 'generate', '--platform', 'all', '--dry-run')).code).toBe(2);
    },
  );

  it('are never reached through a link, of a file or of a folder', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'cg-outside-'));
    try {
      mkdirSync(join(cwd, '.github'));
      symlinkSync(outside, join(cwd, '.github/workflows'));
      await expect(generate(cwd)).rejects.toThrow('.github/workflows is a link');
      rmSync(join(cwd, '.github'), { recursive: true });
      writeFileSync(join(outside, 'target'), 'theirs\n');
      symlinkSync(join(outside, 'target'), join(cwd, 'policy.yaml'));
      await expect(generate(cwd)).rejects.toThrow('policy.yaml is a link');
      expect(readFileSync(join(outside, 'target'), 'utf8')).toBe('theirs\n');
      expect(readdirSync(outside)).toEqual(['target']);
      expect(existsSync(join(cwd, '.github'))).toBe(false);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('stay when they are the user’s: the policy, the file of GitLab, what else is in package.json', async () => {
    write(cwd, 'policy.yaml', 'mine\n');
    write(cwd, '.gitlab-ci.yml', 'include: [{local: /.gitlab/cg/pipeline.yml}]\nmine: {script: x}\n');
    write(
      cwd,
      '.cascadeguard/package.json',
      JSON.stringify({ name: 'x', dependencies: { cascadeguard: '1.0.0', other: '1' } }),
    );
    const { notes } = await generate(cwd);
    expect(read('policy.yaml')).toBe('mine\n');
    expect(read('.gitlab-ci.yml')).toContain('mine:');
    expect(JSON.parse(read('.cascadeguard/package.json'))).toEqual({
      name: 'x',
      dependencies: { cascadeguard: version, other: '1' },
    });
    expect(notes).toEqual([
      expect.stringContaining('npm install --prefix .cascadeguard --package-lock-only'),
    ]);
  });

  it('are named when they lack the include, with the lines to add', async () => {
    write(cwd, '.gitlab-ci.yml', 'mine: {script: x}\n');
    const { notes, files } = await generate(cwd);
    expect(statuses({ files, notes, platforms: [], differs: true })['.gitlab-ci.yml']).toBe('incomplete');
    expect(notes.join('\n')).toContain('- local: .gitlab/cg/pipeline.yml');
    expect(read('.gitlab-ci.yml')).toBe('mine: {script: x}\n');
    expect((await generate(cwd, { mode: 'check' })).differs).toBe(true);
  });

  it('are all as before when one cannot be written', async () => {
    await generate(cwd);
    rmSync(join(cwd, '.gitlab'), { recursive: true });
    rmSync(join(cwd, '.gitlab-ci.yml'));
    write(cwd, 'images.yaml', read('images.yaml').replaceAll('web', 'shop'));
    const before = filesOf(cwd);
    writeFileSync(join(cwd, '.gitlab'), 'a file in the way');
    await expect(generate(cwd)).rejects.toThrow();
    rmSync(join(cwd, '.gitlab'));
    expect(filesOf(cwd)).toEqual(before);
  });
});

describe('pins', () => {
  const raise = (path: string) =>
    writeFileSync(
      join(cwd, path),
      read(path).replaceAll(/actions\/checkout@\S+ # \S+/g, `actions/checkout@${'b'.repeat(40)} # v7.9.0`),
    );

  it('that a bot raised are no difference, are adopted, and outlive an upgrade', async () => {
    await generate(cwd);
    raise(merge);
    expect((await generate(cwd, { mode: 'check' })).differs).toBe(false);
    const adopted = await generate(cwd);
    expect(adopted.notes).toContain(`adopted actions/checkout v7.9.0 from ${merge}`);
    for (const path of generated.slice(0, 5)) expect(read(path)).toContain(`${'b'.repeat(40)} # v7.9.0`);
    expect(JSON.parse(read('.cascadeguard/pins.lock.json')).pins['actions/checkout'].firstSeen).toBe(
      '2026-01-02T03:04:05.000Z',
    );
    const check = await generate(cwd, { mode: 'check', version: '2.0.0' });
    expect(statuses(check)[merge]).toBe('stale');
    await generate(cwd, { version: '2.0.0' });
    expect(read(merge)).toContain('cg v2.0.0');
    expect(read(merge)).toContain('v7.9.0');
  });

  it('that a bot raised in what an older cg wrote are kept by the newer', async () => {
    await generate(cwd, { version: '1.0.0' });
    raise(merge);
    await generate(cwd);
    expect(read(merge)).toContain('v7.9.0');
    expect((await generate(cwd, { mode: 'check' })).differs).toBe(false);
  });

  it('under line ends of Windows are no difference, and nothing is written for them', async () => {
    await generate(cwd);
    for (const path of generated) writeFileSync(join(cwd, path), read(path).replaceAll('\n', '\r\n'));
    expect((await generate(cwd)).files.filter(({ written }) => written)).toEqual([]);
    expect(read(merge)).toContain('\r\n');
  });

  it('that name another commit for the same version are an alarm, and nothing is written', async () => {
    await generate(cwd);
    writeFileSync(
      join(cwd, merge),
      read(merge).replaceAll(/checkout@[0-9a-f]{40}/g, `checkout@${'c'.repeat(40)}`),
    );
    const { code, stderr } = await cli('tools', 'generate', '--platform', 'all');
    expect([code, stderr.includes('PIN_MOVED')]).toEqual([4, true]);
  });
});

describe('who signs', () => {
  const identityOf = async (url: string, platform: 'github' | 'gitlab' | 'all') => {
    rmSync(join(cwd, 'policy.yaml'), { force: true });
    git(cwd, 'remote', 'set-url', 'origin', url);
    const { notes } = await generate(cwd, { platform });
    const { identity } = parse(read('policy.yaml')) as { identity?: { subject: string } };
    return identity?.subject ?? notes.find(note => note.includes('who signs'));
  };
  const github = 'https://github.com/acme/shop/.github/workflows/cg-image.yml@refs/heads/main';
  const gitlab = 'https://gitlab.com/acme/deep/shop//.gitlab-ci.yml@refs/heads/main';

  it.each<[string, 'github' | 'gitlab' | 'all', unknown]>([
    ['git@github.com:acme/shop.git', 'github', github],
    ['ssh://git@github.com:22/acme/shop', 'all', github],
    ['https://token:secret@github.com/acme/shop.git', 'github', github],
    ['git@gitlab.com:acme/deep/shop.git', 'all', gitlab],
    ['https://gitlab.com/acme/deep/shop', 'gitlab', gitlab],
    ['https://github.com/acme/shop', 'gitlab', expect.stringContaining('does not say yet who signs')],
    ['/srv/git/shop', 'github', expect.stringContaining('does not say yet who signs')],
    ['https://github.com/a${{x}}/shop', 'github', expect.stringContaining('does not say yet who signs')],
  ])('of %s on %s', async (url, platform, expected) => {
    expect(await identityOf(url, platform)).toEqual(expected);
  });

  it('is refused by name where the public Sigstore knows no job', async () => {
    const there = { CI_PROJECT_URL: 'https://gitlab.example/acme/shop' };
    await expect(generate(cwd, { env: there })).rejects.toMatchObject({
      code: 'PIPELINE_UNSUPPORTED',
      kind: 'usage',
    });
    await expect(generate(cwd, { repository: 'https://git.example/a/b' })).rejects.toThrow('git.example');
    await expect(generate(cwd, { repository: 'https://x:secret@host' })).rejects.toThrow('cannot be read');
    expect(existsSync(join(cwd, '.github'))).toBe(false);
  });
});

describe('wishes of the project file', () => {
  it('without an environment end in a release, and no secret is asked for', async () => {
    write(cwd, '.cascadeguard.yaml', JSON.stringify({ cli: { image: jobImage } }));
    await generate(cwd);
    expect(Object.keys((parse(read(merge)) as { jobs: object }).jobs)).toEqual(['plan', 'image', 'collect']);
    // Nothing says what is deployed, so there is nothing to scan again.
    const there = generated.filter(path => existsSync(join(cwd, path)));
    expect(generated.filter(path => !there.includes(path))).toEqual(['.github/workflows/cg-nightly.yml']);
    expect(there.map(read).join('')).not.toContain('secrets.');
  });

  it('that leave a scan without a verdict are named', async () => {
    write(cwd, '.cascadeguard.yaml', JSON.stringify({ cli: { image: jobImage } }));
    const said = async (platform: 'github' | 'gitlab') =>
      (await generate(cwd, { platform })).notes.join('\n');
    expect(await said('gitlab')).not.toContain('1-engine');
    expect(await said('github')).toContain('scan: { require: 1-engine }');
  });

  it('that a job on GitHub could not fulfil are named: another registry, another version of cg', async () => {
    write(cwd, 'images.yaml', read('images.yaml').replace('ghcr.io', 'docker.io'));
    write(
      cwd,
      '.cascadeguard.yaml',
      JSON.stringify({ cli: { version: '9.9.9' }, scan: { require: '1-engine' } }),
    );
    const [first, second] = (await generate(cwd, { platform: 'github' })).notes;
    expect(first).toContain('asks for cg 9.9.9 and this is 1.2.3');
    expect(second).toMatch(/ghcr\.io and no other registry.*: api$/);
  });

  it('that are built from the whole repository are named, until .dockerignore leaves out what jobs put there', async () => {
    const entry = { name: 'api', registry: 'ghcr.io', repository: 'a/b', dockerfile: 'Dockerfile' };
    write(cwd, 'images.yaml', JSON.stringify([entry]));
    const said = async () => (await generate(cwd)).notes.filter(note => note.includes('.dockerignore'));
    expect(await said()).toEqual([
      expect.stringContaining('find in it what a job puts there: api; next: add .cg and'),
    ]);
    write(cwd, '.dockerignore', '.cg\n');
    expect(await said()).toHaveLength(1);
    write(cwd, 'Dockerfile.dockerignore', '.cg\n.cascadeguard/node_modules\n');
    expect(await said()).toEqual([]);
  });

  it('under the older names are refused for now', async () => {
    write(cwd, '.cascadeguard.yaml', JSON.stringify({ ci: { layout: 'classic' } }));
    await expect(generate(cwd, { platform: 'github' })).rejects.toMatchObject({
      code: 'PIPELINE_UNSUPPORTED',
    });
  });

  it('name the branch', async () => {
    write(cwd, '.cascadeguard.yaml', JSON.stringify({ git: { baseBranch: 'trunk' }, gitops }));
    await generate(cwd, { platform: 'github' });
    expect(read(merge)).toContain('branches: [trunk]');
    expect(read('policy.yaml')).toContain('@refs/heads/trunk');
  });

  it.each([undefined, 'node:24', `node:24@sha256:${'5'.repeat(63)}`])(
    'with the job image %s are refused on GitLab, and say what to write',
    async image => {
      write(cwd, '.cascadeguard.yaml', JSON.stringify({ ...(image !== undefined && { cli: { image } }) }));
      await expect(generate(cwd, { platform: 'gitlab' })).rejects.toMatchObject({
        code: 'PIPELINE_UNSUPPORTED',
      });
      await generate(cwd, { platform: 'github' });
    },
  );

  it('below the top of the repository are refused', async () => {
    write(cwd, 'deep/fleet.yaml', read('images.yaml'));
    await expect(generate(cwd, { imagesYaml: 'deep/fleet.yaml' })).rejects.toMatchObject({
      code: 'PIPELINE_UNSUPPORTED',
    });
  });
});

describe('two generators at once', () => {
  it('leave what one would have left', async () => {
    await Promise.all(Array.from({ length: 4 }, () => generate(cwd)));
    expect(filesOf(cwd)).toEqual(filesOf(golden));
    expect(lstatSync(join(cwd, '.cascadeguard/bin/cg')).mode & 0o111).toBe(0o111);
  });
});

/** Every line that a shell reads. */
function linesOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(linesOf);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    ['run', 'script', 'before_script'].includes(key) && !isMapping(value)
      ? [value as string | string[]].flat().flatMap(text => text.split('\n').filter(Boolean))
      : linesOf(value),
  );
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The words of each call of cg, with something in the place of variables. */
function callsOf(node: unknown): string[][] {
  return linesOf(node)
    .filter(line => line.startsWith('.cascadeguard/bin/cg '))
    .map(line =>
      line
        .split(' ')
        .slice(1)
        .map(word => word.replaceAll('"', '').replaceAll(/\$\w+/g, 'value')),
    );
}

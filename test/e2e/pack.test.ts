import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNodes } from '../nodes.ts';
import { makeRepository } from '../pipeline-repository.ts';
import { waitFor } from '../wait-for.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;
let packed: { filename: string; files: { path: string; mode: number }[] };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-pack-'));
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  const json = JSON.parse(output) as Record<string, typeof packed> | (typeof packed)[];
  [packed] = Object.values(json) as [typeof packed];
  mkdirSync(join(folder, 'user'));
  // Offline: a package without dependencies needs nothing from a registry.
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed.filename)], {
    cwd: join(folder, 'user'),
    stdio: 'pipe',
  });
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each Node made of the same files. */
const made: string[] = [];

const record = join(root, 'test/golden/cli/explain-prints-only-what-was-tried/files/record.json');

/** A denial has an exit code of its own, and its verdict on the standard output. */
function judgeAgain(node: string, cg: string, home: string): string {
  const { stdout } = spawnSync(node, [cg, 'gate', '--replay', record, '--output', 'json'], {
    env: { PATH: process.env.PATH, HOME: home },
    encoding: 'utf8',
  });
  return JSON.stringify(JSON.parse(stdout)) + stdout;
}

describe('the package', () => {
  it('holds the bundle and its declared files, and nothing else', () => {
    const strays = packed.files
      .map(file => file.path)
      .filter(
        path =>
          !/^(?:dist\/(?:attest|cg|index)\.js|dist\/THIRD-PARTY-LICENSES\.txt|dist\/chunks\/[\w-]+\.js|dist\/types\/[\w/-]+\.d\.ts|schema\/[\w/.-]+\.json|examples\/bookstore\/[\w/.+-]+|(?:README|CHANGELOG)\.md|LICENSE|package\.json)$/.test(
            path,
          ),
      );
    expect(strays).toEqual([]);
    expect(packed.files.length).toBeGreaterThan(20);
  });

  it('brings no dependency and runs no script at install', () => {
    const manifest = JSON.parse(
      readFileSync(join(folder, 'user/node_modules/cascadeguard/package.json'), 'utf8'),
    );
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(Object.keys(manifest.scripts ?? {}).filter(name => /install|prepare/.test(name))).toEqual([]);
  });

  it('can be imported as a library, with types', () => {
    const script =
      "import { parseImageReference } from 'cascadeguard'; console.log(JSON.stringify(parseImageReference('web')))";
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(folder, 'user'),
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual({ value: { registry: 'docker.io', repository: 'library/web' } });
    expect(existsSync(join(folder, 'user/node_modules/cascadeguard/dist/types/index.d.ts'))).toBe(true);
  });

  it('signs and verifies as a library, without anything else', () => {
    const script = `
      import { resolvePredicateType, startLocalSigstore, verifyImage, Fault } from 'cascadeguard/attest';
      const sigstore = await startLocalSigstore({ project: 'library' });
      await sigstore.close();
      const fault = await verifyImage({ image: 'oci:./nothing', env: {}, identities: [] }).catch(error => error);
      console.log(JSON.stringify([resolvePredicateType('slsaprovenance1'), sigstore.issuer.endsWith('/local'), fault instanceof Fault, fault.code]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(folder, 'user'),
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual(['https://slsa.dev/provenance/v1', true, true, 'USAGE']);
    expect(existsSync(join(folder, 'user/node_modules/cascadeguard/dist/types/attest.d.ts'))).toBe(true);
  });

  describe.each(findNodes())('on $name', ({ name, path }) => {
    const label = path === undefined ? ` [needs ${name}]` : '';

    it.skipIf(path === undefined)(`serves a registry and copies an image${label}`, async () => {
      const node = path ?? '';
      const home = mkdtempSync(join(folder, 'home-'));
      const cg = join(folder, 'user/node_modules/.bin/cg');
      const options = { cwd: home, env: { PATH: process.env.PATH, HOME: home }, encoding: 'utf8' } as const;
      let server: ChildProcess | undefined;
      try {
        server = spawn(
          node,
          [cg, 'up', '--addr', '127.0.0.1:0', '--data', 'demo', '--ready-file', 'ready.json'],
          { ...options, stdio: 'ignore' },
        );
        await waitFor(() => existsSync(join(home, 'ready.json')), 'the registry to serve');
        const { url } = JSON.parse(readFileSync(join(home, 'ready.json'), 'utf8')) as { url: string };
        const run = (...args: string[]) =>
          JSON.parse(execFileSync(node, [cg, ...args, '--output', 'json', '--quiet'], options)) as {
            digest: string;
          };
        const sample = `${new URL(url).host}/sample/hello:1`;
        const { digest } = run('inspect', sample);
        expect(run('copy', sample, 'oci:./hello').digest).toBe(digest);
        expect(run('copy', 'oci:./hello:1', `${new URL(url).host}/mirror/hello:1`).digest).toBe(digest);
        expect(run('inspect', `${new URL(url).host}/mirror/hello:1`).digest).toBe(digest);
      } finally {
        server?.kill('SIGTERM');
      }
    });

    it.skipIf(path === undefined)(
      `tells the story of cg up to its end${label}`,
      () => {
        const home = mkdtempSync(join(folder, 'home-'));
        const cg = join(folder, 'user/node_modules/.bin/cg');
        const told = execFileSync(path ?? '', [cg, 'up', '--ci', '--addr', '127.0.0.1:0', '--data', 'demo'], {
          cwd: home,
          env: { PATH: process.env.PATH, HOME: home },
          encoding: 'utf8',
        });
        expect(told).toContain('promises, all of them held.');
      },
      60_000,
    );

    it.skipIf(path === undefined)(
      `builds the same image, lists it, writes pipelines and judges in the same bytes as any other Node${label}`,
      () => {
        const home = mkdtempSync(join(folder, 'home-'));
        const cg = join(folder, 'user/node_modules/.bin/cg');
        const run = (...args: string[]) =>
          execFileSync(path ?? '', [cg, ...args], {
            cwd: home,
            env: { PATH: process.env.PATH, HOME: home, SOURCE_DATE_EPOCH: '1700000000' },
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          });
        const context = join(folder, 'user/node_modules/cascadeguard/examples/bookstore/upstream/debian-1');
        const image = run('build', context, '--to', 'oci:./image', '--platform', 'linux/amd64').trim();
        const [spdx, cyclonedx] = [
          run('sbom', image, '-o', 'spdx-json'),
          run('sbom', image, '-o', 'cyclonedx-json'),
        ];
        const repository = makeRepository();
        const pipelines = execFileSync(
          path ?? '',
          [cg, 'tools', 'generate', '--platform', 'all', '--dry-run'],
          {
            cwd: repository,
            env: { PATH: process.env.PATH, HOME: home },
            encoding: 'utf8',
          },
        );
        rmSync(repository, { recursive: true });
        const verdict = judgeAgain(path ?? '', cg, home);
        made.push([image, spdx, cyclonedx, pipelines, verdict].join('\n'));
        expect(pipelines).toContain('cg-release.yml');
        expect(verdict).toContain('"success":false');
        expect(spdx).toContain('libssl3');
        expect(new Set(made).size).toBe(1);
      },
    );
  });
});

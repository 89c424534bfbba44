import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/ground/process/run.ts';
import { type BuildImageOptions, buildImage } from '../../src/workflow/build-image.ts';
import { everydayContext, readImage, writeContext } from '../built-image.ts';
import { findPeer } from '../peers.ts';
import { useRegistry } from '../running-registry.ts';
import { tarOf, withSum } from '../tar.ts';
import { waitFor } from '../wait-for.ts';

const [buildkitd, buildx, runc] = [findPeer('buildkitd'), findPeer('docker-buildx'), findPeer('runc')];
const isRoot = process.getuid?.() === 0;
const canRun = isRoot && buildkitd !== undefined && buildx !== undefined && runc !== undefined;
const folder = canRun ? mkdtempSync(join(tmpdir(), 'cg-buildkit-')) : '';
const socket = `unix://${join(folder, 'bk.sock')}`;
const env = {
  PATH: [join(folder, 'bin'), process.env['PATH']].join(':'),
  HOME: folder,
  DOCKER_CONFIG: join(folder, 'docker'),
};
let daemon: ChildProcess | undefined;

async function build(files: Record<string, string | Uint8Array>, o: Partial<BuildImageOptions> = {}) {
  const context = await writeContext(files);
  return await buildImage({
    cwd: context,
    context: '.',
    destination: `oci:${mkdtempSync(join(folder, 'image-'))}`,
    platforms: ['linux/amd64'],
    env,
    version: 'test',
    ...o,
  });
}

async function filesOf(image: string): Promise<readonly string[]> {
  const { layers } = await readImage(image);
  return layers
    .flat()
    .filter(line => !line.startsWith('folder'))
    .sort();
}

describe.skipIf(!canRun)('beside BuildKit [needs buildkitd, docker-buildx, runc and root]', () => {
  const bench = useRegistry();

  beforeAll(async () => {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(buildx ?? '', join(folder, 'bin/docker-buildx'));
    const worker = [
      '--oci-worker-binary',
      runc ?? '',
      '--oci-worker-snapshotter=native',
      '--oci-worker-net=host',
    ];
    const args = ['--root', join(folder, 'root'), '--addr', socket, '--containerd-worker=false', ...worker];
    daemon = spawn(buildkitd ?? '', args, {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], HOME: folder },
    });
    await waitFor(() => existsSync(join(folder, 'bk.sock')), 'buildkitd');
    const create = ['create', '--name', 'test', '--driver', 'remote', '--use', socket];
    expect((await run({ program: buildx ?? '', args: create, env, timeLimit: 30_000 })).code).toBe(0);
  }, 60_000);

  afterAll(async () => {
    const ended = new Promise(resolve => daemon?.once('exit', resolve));
    if (daemon?.kill() === true) await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('the embedded builder makes the same files and the same configuration', async () => {
    const ours = await build(everydayContext, { builder: 'embedded' });
    const theirs = await build(everydayContext, { builder: 'buildx' });
    expect(theirs.builder.driver).toBe('buildx');
    expect(await filesOf(ours.image)).toEqual(await filesOf(theirs.image));
    const [own, other] = await Promise.all([readImage(ours.image), readImage(theirs.image)]);
    // ArgsEscaped means something on Windows only, and BuildKit writes it everywhere.
    expect({ ...own.config.config, ArgsEscaped: true }).toEqual(other.config.config);
  }, 60_000);

  it('ADD unpacks archives as BuildKit does, and copies what only looks like one', async () => {
    const tar = tarOf([
      { name: 'app/', type: '5', mode: 0o750 },
      { name: 'app/run', content: 'RUN', mode: 0o755 },
      { name: 'app/link', type: '2', link: 'run' },
    ]);
    tar.write('0001750', 512 + 108);
    withSum(tar.subarray(512, 1024));
    const files = {
      'a.tar': tar,
      named: gzipSync(tar),
      'no.tar.gz': gzipSync('hello'),
      'plain.tar': 'only text',
      Dockerfile: [
        'FROM scratch',
        'ADD a.tar /one/',
        'ADD named /two',
        'ADD --chown=7:8 a.tar /three/',
        'ADD no.tar.gz plain.tar /four/',
        'COPY a.tar /five/',
        'ADD --chmod=700 plain.tar /six',
        'ADD --chmod=700 a.tar /seven/',
      ].join('\n'),
    };
    const ours = await build(files, { builder: 'embedded' });
    const theirs = await build(files, { builder: 'buildx' });
    expect(await filesOf(ours.image)).toEqual(await filesOf(theirs.image));
  }, 60_000);

  it('does RUN on the base that was pinned, and the record says which', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const context = await writeContext({ Dockerfile: 'FROM scratch\nCOPY tool /bin/tool\n', tool: '' });
    await copyFile(buildx ?? '', join(context, 'tool'));
    const base = await build({}, { cwd: context, context: '.', destination: `${host}/base/os` });
    const said: string[] = [];
    const built = await build(
      {
        Dockerfile: `FROM ${host}/base/os@${base.digest}\nRUN ["/bin/tool", "version"]\nCOPY a /a\n`,
        a: 'A',
      },
      { destination: `${host}/shop/web`, builder: 'buildx', onChoice: text => said.push(text) },
    );
    expect(built.record.bases).toEqual([
      expect.objectContaining({ reference: expect.stringContaining('/base/os'), digest: base.digest }),
    ]);
    expect(built.record.builder.driver).toBe('buildx');
    expect(built.image).toBe(`${host}/shop/web@${built.digest}`);
    expect((await filesOf(built.image)).join('\n')).toContain(' a');
  }, 60_000);

  it('says what BuildKit said when a build fails', async () => {
    const failed = build({ Dockerfile: 'FROM scratch\nRUN ["/nothing"]\n' }, { builder: 'buildx' });
    await expect(failed).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      actual: expect.stringContaining('/nothing'),
    });
  }, 60_000);

  it('gives the same digest twice', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'A' };
    const digests = [await build(files, { builder: 'buildx' }), await build(files, { builder: 'buildx' })];
    expect(digests[0]?.digest).toBe(digests[1]?.digest);
  }, 60_000);
});

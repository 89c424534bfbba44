import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistryAccess } from '../../src/image/oci/access.ts';
import { open } from '../../src/image/oci/open.ts';
import { startRegistry } from '../../src/image/oci/server/start-registry.ts';
import { copyImage } from '../../src/workflow/copy-image.ts';
import { inspectImage } from '../../src/workflow/inspect-image.ts';
import { registryContract } from '../contract/registry.ts';
import { type DockerRegistry, startDockerRegistry } from '../docker-registry.ts';
import { imageOf, indexOf, pushImage, referrerOf } from '../images.ts';
import { findPeer } from '../peers.ts';

const run = promisify(execFile);
const peers = {
  docker: findPeer('docker-registry'),
  crane: findPeer('crane'),
  oras: findPeer('oras'),
  skopeo: findPeer('skopeo'),
};
const access = new RegistryAccess({ env: {} });
let folder = '';
let docker: DockerRegistry | undefined;
let ours: Awaited<ReturnType<typeof startRegistry>>;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cg-interop-'));
  if (peers.docker !== undefined) docker = await startDockerRegistry(peers.docker);
  ours = await startRegistry({ data: join(folder, 'data') });
});
afterAll(async () => {
  access.close();
  await docker?.stop();
  await ours.close();
  await rm(folder, { recursive: true });
});

registryContract(
  peers.docker === undefined ? 'docker-registry [needs docker-registry]' : 'docker-registry',
  async () => (await open(`${docker?.url.slice(7)}/test/image-${count++}`, access)).registry,
  peers.docker === undefined,
);

const amd = imageOf('app', ['layer for amd'], { os: 'linux', architecture: 'amd64' });
const arm = imageOf('app', ['layer for arm'], { os: 'linux', architecture: 'arm64' });
const index = indexOf([
  { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
  { ...arm, platform: { os: 'linux', architecture: 'arm64' } },
]);

/** A layout folder that we wrote, with an index and a referrer. */
async function writeLayout(): Promise<string> {
  const path = join(folder, `layout-${count++}`);
  const { registry } = await open(`oci:${path}`, access, { to: 'write' });
  await pushImage(registry, amd);
  await pushImage(registry, arm);
  await registry.push({ kind: 'manifest', ...index, tags: ['v1'] });
  await pushImage(registry, referrerOf(index, 'application/vnd.example'));
  return path;
}

async function call(program: string | undefined, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, DOCKER_CONFIG: folder };
  return (await run(program ?? '', args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

const named = (text: string, name: keyof typeof peers): string =>
  peers[name] === undefined ? `${text} [needs ${name}]` : text;
const host = (): string => `${ours.host}:${ours.port}`;

describe('other clients and ours', () => {
  it.skipIf(peers.crane === undefined)(
    named('crane reads what we push, and we read what crane pushes', 'crane'),
    async () => {
      await copyImage({ source: `oci:${await writeLayout()}:v1`, target: `${host()}/crane/one:v1`, env: {} });
      expect((await call(peers.crane, 'digest', '--insecure', `${host()}/crane/one:v1`)).trim()).toBe(
        index.descriptor.digest,
      );
      await call(peers.crane, 'copy', '--insecure', `${host()}/crane/one:v1`, `${host()}/crane/two:v2`);
      const back = await copyImage({
        source: `${host()}/crane/two:v2`,
        target: `oci:${folder}/crane-back:v2`,
        env: {},
      });
      expect(back.root.digest).toBe(index.descriptor.digest);
    },
  );

  it.skipIf(peers.crane === undefined)(
    named('we read the archives and layouts that crane writes', 'crane'),
    async () => {
      await copyImage({
        source: `oci:${await writeLayout()}:v1`,
        target: `${host()}/crane/archive:v1`,
        env: {},
      });
      await call(
        peers.crane,
        'pull',
        '--insecure',
        '--platform',
        'linux/amd64',
        '--format',
        'tarball',
        `${host()}/crane/archive:v1`,
        join(folder, 'crane.tar'),
      );
      const copied = await copyImage({
        source: `docker-archive:${folder}/crane.tar`,
        target: `${host()}/crane/from-archive:v1`,
        env: {},
      });
      expect(
        (await inspectImage({ image: `${host()}/crane/from-archive@${copied.root.digest}`, env: {} })).image
          ?.architecture,
      ).toBe('amd64');
      await call(
        peers.crane,
        'pull',
        '--insecure',
        '--format',
        'oci',
        `${host()}/crane/archive:v1`,
        join(folder, 'crane-layout'),
      );
      expect(
        (
          await copyImage({
            source: `oci:${folder}/crane-layout`,
            target: `${host()}/crane/from-layout:v1`,
            env: {},
          })
        ).root.digest,
      ).toBe(index.descriptor.digest);
    },
  );

  it.skipIf(peers.oras === undefined)(
    named('oras finds the referrers that we attach, and we find those of oras', 'oras'),
    async () => {
      for (const registry of [host(), ...(docker === undefined ? [] : [docker.url.slice(7)])]) {
        await copyImage({
          source: `oci:${await writeLayout()}:v1`,
          target: `${registry}/oras/one:v1`,
          env: {},
        });
        const listed = JSON.parse(
          await call(peers.oras, 'discover', '--plain-http', '--format', 'json', `${registry}/oras/one:v1`),
        ) as { referrers?: { artifactType: string }[]; manifests?: { artifactType: string }[] };
        expect((listed.referrers ?? listed.manifests)?.map(({ artifactType }) => artifactType)).toEqual([
          'application/vnd.example',
        ]);
        await writeFile(join(folder, 'note.txt'), 'a note');
        await call(
          peers.oras,
          'attach',
          '--plain-http',
          '--disable-path-validation',
          '--artifact-type',
          'application/vnd.oras',
          `${registry}/oras/one:v1`,
          join(folder, 'note.txt'),
        );
        const seen = await inspectImage({ image: `${registry}/oras/one:v1`, env: {} });
        expect(seen.referrers?.map(({ artifactType }) => artifactType).sort()).toEqual([
          'application/vnd.example',
          'application/vnd.oras',
        ]);
      }
    },
  );

  it.skipIf(peers.oras === undefined)(
    named('oras reads our layout folder with its referrers, and we read one of oras', 'oras'),
    async () => {
      const path = await writeLayout();
      const listed = JSON.parse(
        await call(peers.oras, 'discover', '--oci-layout', '--format', 'json', `${path}:v1`),
      ) as { referrers?: unknown[]; manifests?: unknown[] };
      expect((listed.referrers ?? listed.manifests)?.length).toBe(1);
      await copyImage({ source: `oci:${path}:v1`, target: `${host()}/oras/layout:v1`, env: {} });
      await call(
        peers.oras,
        'copy',
        '-r',
        '--from-plain-http',
        '--to-oci-layout',
        `${host()}/oras/layout:v1`,
        `${folder}/oras-layout:v1`,
      );
      const seen = await inspectImage({ image: `oci:${folder}/oras-layout:v1`, env: {} });
      expect([seen.digest, seen.referrers?.length]).toEqual([index.descriptor.digest, 1]);
    },
  );

  it.skipIf(peers.skopeo === undefined)(
    named('skopeo reads our layouts and registries, and we read its archives', 'skopeo'),
    async () => {
      const path = await writeLayout();
      await call(
        peers.skopeo,
        '--insecure-policy',
        'copy',
        '--all',
        '--preserve-digests',
        '--dest-tls-verify=false',
        `oci:${path}:v1`,
        `docker://${host()}/skopeo/one:v1`,
      );
      expect((await inspectImage({ image: `${host()}/skopeo/one:v1`, env: {} })).digest).toBe(
        index.descriptor.digest,
      );
      await call(
        peers.skopeo,
        '--insecure-policy',
        'copy',
        '--src-tls-verify=false',
        '--override-arch',
        'amd64',
        `docker://${host()}/skopeo/one:v1`,
        `docker-archive:${folder}/skopeo.tar:shop/web:v1`,
      );
      await copyImage({
        source: `docker-archive:${folder}/skopeo.tar:shop/web:v1`,
        target: `oci:${folder}/from-skopeo:v1`,
        env: {},
      });
      await call(
        peers.skopeo,
        '--insecure-policy',
        'copy',
        '--all',
        '--preserve-digests',
        '--src-tls-verify=false',
        `docker://${host()}/skopeo/one:v1`,
        `oci-archive:${folder}/skopeo-oci.tar:v1`,
      );
      expect(
        (
          await copyImage({
            source: `oci-archive:${folder}/skopeo-oci.tar:v1`,
            target: `oci:${folder}/from-skopeo-oci:v1`,
            env: {},
          })
        ).root.digest,
      ).toBe(index.descriptor.digest);
    },
  );
});

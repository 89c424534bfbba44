import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { LayoutRegistry } from '../src/image/oci/layout/layout.ts';
import { mediaTypes } from '../src/model/descriptor.ts';
import { type DockerRegistry, startDockerRegistry } from '../test/docker-registry.ts';
import { blobOf, manifestOf } from '../test/images.ts';
import { findPeer } from '../test/peers.ts';
import type { Row } from './row.ts';

export const name = 'transfer';

const rounds = 3;
const layerCount = 5;
const layerSize = 40 * 1024 * 1024;
const call = promisify(execFile);

/** One way to move an image to a place where nothing of it is: a fresh registry, or a new folder. */
type Move = (target: string) => Promise<void>;
type Task = 'push' | 'pull' | 'copy';

/** Push, pull and copy of one image of 200 MB by ours and by others, as programs, in turns; the best round counts. */
export async function run(): Promise<Row[]> {
  const docker = findPeer('docker-registry');
  const peers = [findPeer('crane'), findPeer('skopeo')];
  if (docker === undefined || peers.every(peer => peer === undefined)) return [];
  const folder = await mkdtemp(join(tmpdir(), 'cg-transfer-'));
  const registries: DockerRegistry[] = [];
  try {
    registries.push(await startDockerRegistry(docker));
    const source = `${registries[0]?.url.slice('http://'.length)}/bench/source:v1`;
    await writeImage(join(folder, 'image'));
    const ours = await bundleOurs(folder);
    await ours(`oci:${folder}/image:v1`, source);
    const movers = new Map(
      Object.entries({ ours: moveOurs(ours, folder, source), ...movePeers(folder, source) }),
    );
    const rows: Row[] = [];
    for (const task of ['push', 'pull', 'copy'] as const)
      rows.push(await compare(task, movers, folder, docker));
    return rows;
  } finally {
    for (const registry of registries) await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(
  task: Task,
  movers: ReadonlyMap<string, Record<Task, Move>>,
  folder: string,
  docker: string,
): Promise<Row> {
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [who, moves] of movers) {
      // Some clients remember what they sent to a registry and mount it; a fresh one gets everything.
      const registry = await startDockerRegistry(docker);
      const target =
        task === 'pull'
          ? join(folder, `pulled-by-${who}`)
          : `${registry.url.slice('http://'.length)}/bench/${who}:v1`;
      const started = performance.now();
      await moves[task](target);
      best.set(who, Math.min(best.get(who) ?? Number.POSITIVE_INFINITY, performance.now() - started));
      await registry.stop();
      await rm(join(folder, `pulled-by-${who}`), { recursive: true, force: true });
    }
  }
  const speedOf = (who: string): number =>
    (layerCount * layerSize) / 1e6 / ((best.get(who) ?? Number.NaN) / 1000);
  const peerName = [...best.keys()]
    .filter(who => who !== 'ours')
    .reduce((a, b) => (speedOf(a) > speedOf(b) ? a : b));
  const ratio = speedOf('ours') / speedOf(peerName);
  return {
    what: `${task} an image of 200 MB`,
    ours: Math.round(speedOf('ours')),
    peer: Math.round(speedOf(peerName)),
    peerName,
    unit: 'MB/s',
    ratio: Math.round(ratio * 100) / 100,
    target: 0.8,
    ok: ratio >= 0.8,
  };
}

type Copy = (source: string, target: string) => Promise<void>;

/** Ours runs as a program as well: what starting Node costs is part of the result. */
async function bundleOurs(folder: string): Promise<Copy> {
  const outfile = join(folder, 'copy.mjs');
  await build({
    stdin: {
      contents: `import { copyImage } from './src/workflow/copy-image.ts'; const [source, target] = process.argv.slice(2); await copyImage({ source, target, env: {} });`,
      resolveDir: join(import.meta.dirname, '..'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  return async (source, target) => void (await call(process.execPath, [outfile, source, target]));
}

function moveOurs(copy: Copy, folder: string, source: string): Record<Task, Move> {
  return {
    push: target => copy(`oci:${folder}/image:v1`, target),
    pull: target => copy(source, `oci:${target}:v1`),
    copy: target => copy(source, target),
  };
}

function movePeers(folder: string, source: string): Record<string, Record<Task, Move>> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const [crane, skopeo] = [findPeer('crane'), findPeer('skopeo')];
  const craneDo = async (...args: string[]): Promise<void> =>
    void (await call(crane ?? '', [...args, '--insecure'], { env }));
  const skopeoDo = async (from: string, to: string): Promise<void> => {
    const flags = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false'];
    await call(skopeo ?? '', [...flags, from, to], { env });
  };
  return {
    ...(crane !== undefined && {
      crane: {
        push: target => craneDo('push', join(folder, 'image'), target),
        pull: target => craneDo('pull', '--format', 'oci', source, target),
        copy: target => craneDo('copy', source, target),
      },
    }),
    ...(skopeo !== undefined && {
      skopeo: {
        push: target => skopeoDo(`oci:${folder}/image:v1`, `docker://${target}`),
        pull: target => skopeoDo(`docker://${source}`, `oci:${target}:v1`),
        copy: target => skopeoDo(`docker://${source}`, `docker://${target}`),
      },
    }),
  };
}

/** Layers that no compression makes smaller, packed as registries expect them. */
async function writeImage(path: string): Promise<void> {
  const layout = new LayoutRegistry(path);
  const layers = [];
  const diffIds: string[] = [];
  for (let at = 0; at < layerCount; at++) {
    const content = randomBytes(layerSize);
    diffIds.push(`sha256:${createHash('sha256').update(content).digest('hex')}`);
    const layer = blobOf(gzipSync(content, { level: 1 }), mediaTypes.layerGzip);
    await layout.push(layer.push);
    layers.push(layer.descriptor);
  }
  const config = blobOf(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIds } }),
    mediaTypes.config,
  );
  await layout.push(config.push);
  await layout.push({ kind: 'manifest', ...manifestOf({ config: config.descriptor, layers }), tags: ['v1'] });
}

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrangeWaves, type CascadeImage } from '../src/fleet/cascade.ts';
import { frozenClock } from '../src/model/clock.ts';
import { checkImages } from '../src/workflow/check-images.ts';
import { makeImage, seededRandom } from '../test/registry-content.ts';
import type { Row } from './row.ts';

export const name = 'images';

const images = 1000;
const planned = 3000;

export async function run(): Promise<Row[]> {
  return [...(await checkUnchanged()), planCascades()];
}

/** A thousand images on a thousand bases, nothing changed: what is asked, what is written, how long it takes. */
async function checkUnchanged(): Promise<Row[]> {
  const registry = await startCounting();
  const cwd = mkdtempSync(join(tmpdir(), 'cg-bench-images-'));
  try {
    const entries = Array.from({ length: images }, (_, n) => {
      mkdirSync(join(cwd, `app-${n}`));
      writeFileSync(join(cwd, `app-${n}/Dockerfile`), `FROM ${registry.host}/base/b-${n}:1\n`);
      return `- name: app-${n}\n  registry: ${registry.host}\n  repository: shop/app-${n}\n  dockerfile: app-${n}/Dockerfile\n`;
    });
    writeFileSync(join(cwd, 'images.yaml'), entries.join(''));
    const check = (at: string) => checkImages({ cwd, env: { HOME: cwd }, clock: frozenClock(at) });
    await check('2026-01-01T00:00:00Z');
    const before = contentOf(cwd);
    registry.reset();
    const started = performance.now();
    const { exit, written } = await check('2026-01-01T12:00:00Z');
    const time = performance.now() - started;
    if (exit !== 0) throw new Error(`the check ended with ${exit}`);
    const changed =
      [...contentOf(cwd)].filter(([file, text]) => before.get(file) !== text).length + written.length;
    return [
      limit('requests for 1,000 unchanged bases', registry.count(), images, 'requests'),
      {
        ...limit('files changed by a check that learns nothing', changed, 0, 'files'),
        ratio: changed === 0 ? 1 : 0,
        ok: changed === 0,
      },
      limit('check 1,000 unchanged images', time, 60_000, 'ms'),
    ];
  } finally {
    await registry.stop();
    rmSync(cwd, { recursive: true });
  }
}

/** A fleet in which every image stands on three others: everything is rebuilt, in order. */
function planCascades(): Row {
  const names = Array.from({ length: planned }, (_, n) => `image-${n}`);
  const needs = new Map(
    names.map((own, n) => [own, [n - 1, n >> 1, n >> 2].filter(m => m >= 0 && m < n).map(m => `image-${m}`)]),
  );
  const fleet = names.map(
    (own, n): CascadeImage => ({
      name: own,
      causes: n === 0 ? [{ kind: 'base', base: 'debian', to: 'sha256:x' }] : [],
      autoRebuild: true,
      rebuildDelay: 0,
    }),
  );
  const started = performance.now();
  const waves = arrangeWaves(fleet, { names, needs }, new Date('2026-01-01T00:00:00Z'));
  const time = performance.now() - started;
  if (waves.flatMap(wave => wave.images).length !== planned)
    throw new Error('an image is missing in the plan');
  return limit('plan a cascade of 3,000 images', time, 1000, 'ms');
}

function limit(what: string, ours: number, peer: number, unit: string): Row {
  return { what, ours, peer, peerName: 'at most', unit, ratio: peer / ours, target: 1, ok: ours <= peer };
}

/** A registry that has one image under every name, and counts what it is asked. */
async function startCounting() {
  const image = makeImage(seededRandom(1));
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    const blob = /\/blobs\//.test(request.url ?? '');
    const body = blob ? (image.blobs[0] ?? Buffer.alloc(0)) : image.manifest;
    response.writeHead(200, {
      'content-type': blob ? 'application/octet-stream' : 'application/vnd.oci.image.manifest.v1+json',
      'content-length': body.length,
      ...(!blob && { 'docker-content-digest': image.digest }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => asked,
    reset: () => {
      asked = 0;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function contentOf(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .map(file => [file, readFileSync(file, 'utf8')]),
  );
}

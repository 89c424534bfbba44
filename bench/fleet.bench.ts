import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '../src/image/oci/open.ts';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';
import { frozenClock } from '../src/model/clock.ts';
import { checkImages } from '../src/workflow/check-images.ts';
import { planCascade } from '../src/workflow/plan-cascade.ts';
import { reachRegistries } from '../src/workflow/reach-registries.ts';
import { imageOf, pushImage } from '../test/images.ts';
import type { Row } from './row.ts';

export const name = 'fleet';

const images = 1000;
const planned = 3000;
const bases = 20;

/** A check of many images of which nothing changed, and the plan of a large cascade. */
export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-'));
  let requests = 0;
  const registry = await startRegistry({ data: join(folder, 'registry'), accessLog: () => requests++ });
  try {
    const host = new URL(registry.url).host;
    await reachRegistries({ env: {} }, [], async access => {
      for (let at = 0; at < bases; at++) {
        const { registry: target } = await open(`${host}/up/os${at}:1`, access, { to: 'write' });
        await pushImage(target, imageOf(`os${at}`), '1');
      }
    });
    const check = writeFleet(join(folder, 'check'), host, images);
    const clock = frozenClock('2026-03-01T00:00:00Z');
    await checkImages({ cwd: check, env: { HOME: folder }, clock });
    const before = fingerprint(check);
    requests = 0;
    const began = performance.now();
    await checkImages({ cwd: check, env: { HOME: folder }, clock: frozenClock('2026-03-01T06:00:00Z') });
    const took = performance.now() - began;
    const written = fingerprint(check) === before ? 0 : 1;
    const plan = writeFleet(join(folder, 'plan'), host, planned);
    await checkImages({ cwd: plan, env: { HOME: folder }, clock });
    const planBegan = performance.now();
    await planCascade({ cwd: plan, env: { HOME: folder }, clock: frozenClock('2026-03-09T00:00:00Z') });
    const planTook = performance.now() - planBegan;
    return [
      limit(
        `check of ${images} unchanged images: requests`,
        requests,
        bases,
        'requests',
        `one for each of ${bases} bases`,
      ),
      {
        ...limit('the same: files of the state that changed', written, 0, 'files', 'none'),
        ratio: written === 0 ? 1 : 0,
        ok: written === 0,
      },
      limit('the same: time', took, 10_000, 'ms', 'limit'),
      limit(`plan of ${planned} images that all have a new base`, planTook, 1000, 'ms', 'limit'),
    ];
  } finally {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeFleet(cwd: string, host: string, count: number): string {
  const entries: string[] = [];
  for (let at = 0; at < count; at++) {
    const folder = join(cwd, 'services', `svc-${at}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${host}/up/os${at % bases}:1\nCOPY . /\n`);
    entries.push(
      `  - name: svc-${at}\n    registry: ${host}\n    repository: shop/svc-${at}\n    dockerfile: services/svc-${at}/Dockerfile\n`,
    );
  }
  writeFileSync(join(cwd, 'images.yaml'), `images:\n${entries.join('')}`);
  return cwd;
}

/** Every file with its size and its time: a file that is written again shows. */
function fingerprint(cwd: string): string {
  return readdirSync(cwd, { recursive: true, encoding: 'utf8' })
    .sort()
    .map(path => {
      const { size, mtimeMs } = statSync(join(cwd, path));
      return `${path} ${size} ${mtimeMs}`;
    })
    .join('\n');
}

function limit(what: string, ours: number, most: number, unit: string, peerName: string): Row {
  const ratio = ours === 0 ? 1 : most / ours;
  return { what, ours, peer: most, peerName, unit, ratio, target: 1, ok: ours <= most };
}

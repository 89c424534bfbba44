import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

const planned = 3000;
const bases = 20;

/** The plan of a large cascade, as the command makes it: from files. */
export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-'));
  const registry = await startRegistry({ data: join(folder, 'registry') });
  try {
    const host = new URL(registry.url).host;
    await reachRegistries({ env: {} }, [], async access => {
      for (let at = 0; at < bases; at++) {
        const { registry: target } = await open(`${host}/up/os${at}:1`, access, { to: 'write' });
        await pushImage(target, imageOf(`os${at}`), '1');
      }
    });
    const clock = frozenClock('2026-03-01T00:00:00Z');
    const plan = writeFleet(join(folder, 'plan'), host, planned);
    await checkImages({ cwd: plan, env: { HOME: folder }, clock });
    const planBegan = performance.now();
    await planCascade({ cwd: plan, env: { HOME: folder }, clock: frozenClock('2026-03-09T00:00:00Z') });
    const planTook = performance.now() - planBegan;
    return [
      limit(
        `plan of ${planned} images that all have a new base, files read and all`,
        planTook,
        1000,
        'ms',
        'limit',
      ),
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

function limit(what: string, ours: number, most: number, unit: string, peerName: string): Row {
  const ratio = ours === 0 ? 1 : most / ours;
  return { what, ours, peer: most, peerName, unit, ratio, target: 1, ok: ours <= most };
}

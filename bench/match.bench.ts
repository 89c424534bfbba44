import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inventory, Package } from '../src/model/inventory.ts';
import { IndexBuilder } from '../src/risk/advisories/index/build-index.ts';
import { openIndex } from '../src/risk/advisories/index/open-index.ts';
import { Matcher } from '../src/risk/advisories/match.ts';
import type { Row } from './row.ts';

export const name = 'match';

const inventories = 1_000;
const packagesEach = 300;
const distinct = 150_000;
/** As many rows as all public sources together have for the systems and languages that images hold. */
const advisories = 1_200_000;

/** Against limits, in the same run: opening a whole index, and looking a fleet up in it. */
export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-match-'));
  const path = join(folder, 'index.vdx');
  try {
    const built = buildIndex();
    writeFileSync(path, built.bytes);
    const opened = await fastest(7, async () => openIndex(path).close());
    const fleet = makeFleet();
    let found = 0;
    const matched = await fastest(3, async () => {
      const index = openIndex(path);
      const matcher = new Matcher(index);
      found = 0;
      for (const inventory of fleet) found += matcher.matchInventory(inventory).length;
      index.close();
    });
    if (found === 0) throw new Error('nothing matched, so nothing was measured');
    return [
      limit(
        `open an index of ${advisories / 1e6} million advisories (${Math.round(built.bytes.length / 1e6)} MB)`,
        opened,
        20,
        'ms',
      ),
      limit(`match ${inventories} inventories of ${packagesEach} packages`, matched / 1000, 3, 's'),
      limit(`build that index`, built.took / 1000, 60, 's'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function limit(what: string, ours: number, most: number, unit: string): Row {
  const ratio = most / ours;
  return { what, ours, peer: most, peerName: 'limit', unit, ratio, target: 1, ok: ratio >= 1 };
}

async function fastest(times: number, work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let at = 0; at < times; at++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function buildIndex(): { bytes: Buffer; took: number } {
  const start = performance.now();
  const builder = new IndexBuilder();
  for (let at = 0; at < advisories; at++) {
    const flaw = Math.floor(at / 5);
    const id = `CVE-20${10 + (flaw % 16)}-${1_000 + flaw}`;
    const [feed, fixed] =
      at % 3 === 0
        ? ['npm', `${at % 9}.${at % 50}.${at % 7}`]
        : [`debian:${11 + (at % 2)}`, `1:${at % 9}.${at % 50}-${at % 7}`];
    builder.advisory({
      feed,
      package: `package-${at % distinct}`,
      id,
      status: 'fixed',
      source: 'bench',
      ranges: [{ fixed }],
    });
    if (at % 5 === 0)
      builder.vulnerability({ id, aliases: [], severity: 'high', details: { title: `flaw ${at}` } });
  }
  const bytes = builder.build({ lineage: ['bench'], builtAt: '2026-01-01T00:00:00Z', sources: [] });
  return { bytes, took: performance.now() - start };
}

/** Images share most of what is in them, and each has something of its own. */
function makeFleet(): Inventory[] {
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed % below;
  };
  return Array.from({ length: inventories }, () => ({
    subject: { name: 'image', layers: [] },
    distribution: { id: 'debian', versionId: '12' },
    packages: Array.from({ length: packagesEach }, (): Package => {
      const isSystem = random(3) > 0;
      const name = `package-${random(2) === 0 ? random(400) : random(distinct)}`;
      const version = isSystem
        ? `1:${random(9)}.${random(50)}-${random(7)}`
        : `${random(9)}.${random(50)}.${random(7)}`;
      return { type: isSystem ? 'deb' : 'npm', name, version, purl: '', path: '', foundBy: 'bench' };
    }),
    cataloguers: [],
    problems: [],
  }));
}

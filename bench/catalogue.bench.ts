import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { LayoutRegistry } from '../src/image/oci/layout/layout.ts';
import { catalogueImage } from '../src/image/sbom/catalogue-image.ts';
import { debianStatus, jarOf, layered, osReleaseOf, packageJson, pythonMetadata } from '../test/contents.ts';
import { pushImage } from '../test/images.ts';
import { findPeer } from '../test/peers.ts';
import { type TarFile, tarOf } from '../test/tar.ts';
import type { Row } from './row.ts';

export const name = 'catalogue';

const rounds = 3;
const slowest = 250;
const mostMemory = 200;

/** A layer of 400 MB against what no reader of it can do without: to unpack it and to hash it twice. */
export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-'));
  try {
    const tar = tarOf(contents());
    const packed = gzipSync(tar, { level: 6 });
    const layout = join(folder, 'layout');
    const registry = new LayoutRegistry(layout);
    const digest = await pushImage(registry, layered([tar], { pack: () => packed }), 'latest');
    const bytes = tar.length;
    const ours = await best(bytes, async () => void (await catalogueImage(registry, { digest })));
    const limit = await best(bytes, () => {
      createHash('sha256').update(packed).digest();
      createHash('sha256').update(gunzipSync(packed)).digest();
    });
    const ratio = ours / limit;
    return [
      {
        what: 'catalogue a layer, MB of tar',
        ...{ ours, peer: limit, peerName: 'gunzip and sha256 in one call', unit: 'MB/s', ratio },
        ...{ target: 0.6, ok: ratio >= 0.6 && ours >= Math.min(slowest, limit * 0.6) },
      },
      ...(await measureMemory(layout, digest)),
      ...(await againstSyft(layout, bytes, ours)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Much that is of no interest, as in every image, and some of everything that is. */
function contents(): TarFile[] {
  const program = findPeer('oras') ?? process.execPath;
  const filler = Array.from({ length: 6000 }, (_, at): TarFile => {
    const content = Buffer.concat([randomBytes(20_000), Buffer.alloc(36_000, `line ${at}\n`)]);
    return { name: `usr/share/data/${at % 100}/${at}.bin`, content };
  });
  const system = Array.from({ length: 700 }, (_, at) => [`package${at}`, `1.${at}-1`] as const);
  return [
    { name: 'etc/os-release', content: osReleaseOf('debian', '12') },
    { name: 'var/lib/dpkg/status', content: debianStatus(...system) },
    { name: 'usr/bin/tool', content: readFileSync(program), mode: 0o755 },
    ...Array.from({ length: 1000 }, (_, at) => ({
      name: `app/node_modules/n${at}/package.json`,
      content: packageJson(`n${at}`, '1.0.0'),
    })),
    ...Array.from({ length: 200 }, (_, at) => ({
      name: `usr/lib/python3/p${at}.dist-info/METADATA`,
      content: pythonMetadata(`p${at}`, '1.0'),
    })),
    ...Array.from({ length: 40 }, (_, at) => ({
      name: `opt/lib/j${at}.jar`,
      content: jarOf('org.j', `j${at}`, '1', { 'a.class': randomBytes(200_000) }),
    })),
    ...filler,
  ];
}

async function best(bytes: number, work: () => Promise<void> | void): Promise<number> {
  let rate = 0;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    rate = Math.max(rate, bytes / 1e3 / (performance.now() - start));
  }
  return rate;
}

async function measureMemory(layout: string, digest: string): Promise<Row[]> {
  // Only Linux says how much memory a process has had at most.
  if (process.platform !== 'linux') return [];
  const ours = await peakMemory(layout, digest);
  const ratio = mostMemory / ours;
  const names = { what: 'memory at its highest meanwhile', peerName: 'limit', unit: 'MB' };
  return [{ ...names, ours, peer: mostMemory, ratio, target: 1, ok: ratio >= 1 }];
}

/** In a process of its own: what the benchmark itself holds does not count. */
async function peakMemory(layout: string, digest: string): Promise<number> {
  const source = join(import.meta.dirname, '../src/image');
  const script = `
    const { LayoutRegistry } = await import(${JSON.stringify(join(source, 'oci/layout/layout.ts'))});
    const { catalogueImage } = await import(${JSON.stringify(join(source, 'sbom/catalogue-image.ts'))});
    await catalogueImage(new LayoutRegistry(${JSON.stringify(layout)}), { digest: ${JSON.stringify(digest)} });
    const { readFileSync } = await import('node:fs');
    // What getrusage says counts the parent as well, whose memory a new process has for a moment.
    console.log(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1] / 1e3);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const piece of child.stdout) text += String(piece);
  return Number(text);
}

async function againstSyft(layout: string, bytes: number, ours: number): Promise<Row[]> {
  const syft = findPeer('syft');
  if (syft === undefined) return [];
  const peer = await best(bytes, () => {
    spawnSync(syft, ['scan', `oci-dir:${layout}`, '-o', 'json', '-q'], {
      env: { ...process.env, SYFT_CHECK_FOR_APP_UPDATE: 'false' },
      maxBuffer: 512 * 1024 * 1024,
      timeout: 120_000,
    });
  });
  const ratio = ours / peer;
  return [
    {
      what: 'catalogue the same image',
      ...{ ours, peer, peerName: 'syft, its start included', unit: 'MB/s', ratio, target: 1, ok: ratio >= 1 },
    },
  ];
}

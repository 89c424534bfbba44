import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LayoutRegistry } from '../src/image/oci/layout/layout.ts';
import { findPeer } from '../test/peers.ts';
import { debianFiles, npmFiles, pushLayers } from '../test/scan-images.ts';
import type { Row } from './row.ts';

export const name = 'scan';

const cg = join(import.meta.dirname, '../dist/cg.js');
const runs = 7;
const packages = 400;

/** A warm scan of one image against Trivy, and against Syft with Grype behind it: each a process of its own, offline. */
export async function run(): Promise<Row[]> {
  const [trivy, syft, grype] = ['trivy', 'syft', 'grype'].map(findPeer);
  const facts = join(import.meta.dirname, '../../shared/peers/advisories/build');
  if (trivy === undefined || syft === undefined || grype === undefined || !existsSync(facts)) return [];
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-scan-'));
  try {
    const data = join(folder, 'data');
    execute(facts, [data], { HOME: homedir(), PATH: process.env.PATH ?? '' });
    const image = join(folder, 'image');
    const digest = await pushLayers(
      new LayoutRegistry(image),
      'v1',
      debianFiles(
        ['libssl3', '3.0.11-1~deb12u1', 'Source: openssl\n'],
        ...Array.from({ length: packages }, (_, at) => [`package-${at}`, `1.${at}-1`] as const),
      ),
      Array.from({ length: packages }, (_, at) => npmFiles(`module-${at}`, `1.${at}.0`)).flat(),
    );
    const env = { HOME: folder, CG_DB: join(folder, 'db'), PATH: '/usr/bin:/bin' };
    execute(process.execPath, [cg, 'db', 'import', join(data, 'trivy')], env);
    const ours = () =>
      execute(
        process.execPath,
        [
          cg,
          'scan',
          `oci:${image}`,
          '--engine',
          'embedded',
          '--require',
          '1-engine',
          '--output',
          'json',
          '--no-exit-code',
        ],
        env,
      );
    const theirs = () =>
      execute(
        trivy,
        [
          'image',
          '--input',
          `${image}@${digest}`,
          '--scanners',
          'vuln',
          '--format',
          'json',
          '--quiet',
          '--cache-dir',
          join(data, 'trivy'),
        ].concat([
          '--skip-db-update',
          '--skip-java-db-update',
          '--offline-scan',
          '--skip-version-check',
          '--disable-telemetry',
        ]),
        env,
      );
    const both = () => {
      const sbom = join(folder, 'sbom.json');
      execute(syft, ['scan', `oci-dir:${image}`, '-q', '-o', `syft-json=${sbom}`], {
        ...env,
        SYFT_CHECK_FOR_APP_UPDATE: 'false',
      });
      execute(grype, [`sbom:${sbom}`, '-q', '-o', 'json'], {
        ...env,
        GRYPE_DB_CACHE_DIR: join(data, 'grype'),
        GRYPE_DB_AUTO_UPDATE: 'false',
        GRYPE_CHECK_FOR_APP_UPDATE: 'false',
      });
    };
    const own = median(ours);
    return [
      row('scan an image again, layers cached, as a process', own, 'trivy', median(theirs)),
      row('scan an image again, layers cached, as a process', own, 'syft + grype', median(both)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(what: string, ours: number, peerName: string, peer: number): Row {
  const ratio = peer / ours;
  return { what, ours, peer, peerName, unit: 'ms', ratio, target: 1, ok: ratio >= 1 };
}

function median(work: () => void): number {
  work();
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0;
}

function execute(program: string, args: readonly string[], env: Readonly<Record<string, string>>): void {
  const { status, stderr } = spawnSync(program, args, {
    env: { ...env },
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.slice(-500)}`);
}

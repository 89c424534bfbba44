import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LayoutRegistry } from '../../src/image/oci/layout/layout.ts';
import { frozenClock } from '../../src/model/clock.ts';
import type { ScanReport } from '../../src/model/finding.ts';
import { judgeScan } from '../../src/workflow/ci/scan/judge-scan.ts';
import { scanStage } from '../../src/workflow/ci/scan/scan-stage.ts';
import { importAdvisories } from '../../src/workflow/keep-advisories.ts';
import { type EngineName, scanImage } from '../../src/workflow/scan-image.ts';
import { findPeer } from '../peers.ts';
import { alpineFiles, debianFiles, npmFiles, pushLayers } from '../scan-images.ts';

const [trivy, grype] = [findPeer('trivy'), findPeer('grype')];
const writers = ['cg-build-trivy-db', 'cg-build-grype-db', 'cg-build-osv'].map(findPeer);
/** Facts about vulnerabilities, from which the programs' databases are built. */
const facts = [
  process.env.ADVISORY_FACTS,
  join(import.meta.dirname, '../../../shared/peers/advisories'),
].find(folder => folder !== undefined && existsSync(join(folder, 'build')));
const needs = [
  ...(trivy === undefined ? ['trivy'] : []),
  ...(grype === undefined ? ['grype'] : []),
  ...(writers.includes(undefined) || facts === undefined ? ['advisory databases'] : []),
];
const root = mkdtempSync(join(tmpdir(), 'cg-interop-scan-'));
const builtAt = '2026-11-24T06:00:00Z';
const data = join(root, 'advisories');

describe.skipIf(needs.length > 0)(
  `Trivy, Grype and our own engine${needs.map(each => ` [needs ${each}]`).join('')}`,
  () => {
    beforeAll(async () => {
      const built = spawnSync(join(facts ?? '', 'build'), [data, '--built-at', builtAt], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(built.status, built.stderr).toBe(0);
      const layout = new LayoutRegistry(join(root, 'images'));
      await pushLayers(
        layout,
        'debian',
        debianFiles(
          ['libssl3', '3.0.11-1~deb12u1', 'Source: openssl\n'],
          ['libc6', '2.36-9+deb12u1', 'Source: glibc\n'],
          ['curl', '7.88.1-10+deb12u1'],
          ['libncursesw6', '6.4-4', 'Source: ncurses\n'],
          ['tar', '1.34+dfsg-1.2'],
          ['bash', '5.2.15-2+b2'],
        ),
        npmFiles('lodash', '4.17.10'),
        npmFiles('minimist', '1.2.0'),
      );
      await pushLayers(
        layout,
        'alpine',
        alpineFiles(
          ['libcrypto3', '3.3.0-r1', 'o:openssl\n'],
          ['zlib', '1.2.12-r1', 'o:zlib\n'],
          ['busybox', '1.36.1-r29', 'o:busybox\n'],
        ),
      );
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    async function scan(tag: string, source: string, ...engines: EngineName[]): Promise<ScanReport> {
      const env = {
        HOME: root,
        PATH: [trivy, grype].map(path => dirname(path ?? '')).join(':'),
        TRIVY_CACHE_DIR: join(data, 'trivy'),
        GRYPE_DB_CACHE_DIR: join(data, 'grype'),
      };
      const place = {
        env,
        cwd: root,
        clock: frozenClock('2026-11-24T12:00:00Z'),
        database: join(root, `index-${source}`),
      };
      await importAdvisories({ ...place, sources: [join(data, source)], asOf: new Date(builtAt) });
      const { reports } = await scanImage({
        ...place,
        target: `oci:${join(root, 'images')}:${tag}`,
        version: '1',
        cache: false,
        engines,
        allowUnverifiedTools: true,
        policy: { requireEngines: 1 },
      });
      const [report] = reports;
      if (report === undefined) throw new Error('no report');
      return report;
    }

    /** Which engines found what. */
    function foundBy({ findings }: ScanReport, engine: string): string[] {
      return findings
        .filter(({ claims }) => claims.some(claim => claim.engine === engine))
        .map(({ id, pkg }) => `${id} ${pkg.name}`)
        .sort();
    }

    it.each(['debian', 'alpine'])(
      'find the same planted flaws in an image of %s',
      async tag => {
        for (const source of ['osv', 'trivy']) {
          const report = await scan(tag, source, 'trivy', 'grype', 'embedded');
          expect(report.engines.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
            'trivy ok',
            'grype ok',
            'embedded ok',
          ]);
          expect(report.engines.find(({ id }) => id === 'embedded')?.lineage).toEqual([
            source === 'osv' ? 'osv.dev' : 'aqua-trivy-db',
          ]);
          const ours = foundBy(report, 'embedded');
          expect(ours.length).toBeGreaterThan(3);
          expect(ours).toEqual(foundBy(report, 'trivy'));
          expect(ours).toEqual(foundBy(report, 'grype'));
        }
      },
      120_000,
    );

    it('are judged at a gate as they were where they ran, from their own reports', async () => {
      const digest = (await new LayoutRegistry(join(root, 'images')).manifest('debian')).descriptor.digest;
      const place = {
        env: {
          HOME: root,
          PATH: [trivy, grype].map(path => dirname(path ?? '')).join(':'),
          TRIVY_CACHE_DIR: join(data, 'trivy'),
          GRYPE_DB_CACHE_DIR: join(data, 'grype'),
        },
        cwd: root,
        clock: frozenClock('2026-11-24T12:00:00Z'),
      };
      const ref = `oci:${join(root, 'images')}@${digest}`;
      const stage = { target: ref, image: 'debian', sbom: false, out: 'scan', version: '1' };
      const database = join(root, 'index-osv');
      await scanStage({ ...place, ...stage, database, allowUnverifiedTools: true });
      const scanned = JSON.parse(readFileSync(join(root, 'scan/report.json'), 'utf8'));
      const { images, verdict, folder } = await judgeScan({
        ...place,
        ref,
        scan: 'scan',
        version: '1',
        database,
      });
      // Nobody vouched for these programs: what they say counts, and allows nothing.
      expect({ ...verdict, claimed: folder.status }).toEqual({ status: 'deny', claimed: 'deny' });
      expect(folder.images[0]?.runs.map(({ raw }) => raw)).toEqual([
        '0-trivy.json',
        '0-grype.json',
        undefined,
      ]);
      expect(images[0]?.report).toEqual(scanned.reports[0]);
    }, 60_000);

    it('agree on fixes, and we take the word of Trivy for the severity when we read its data', async () => {
      const { findings } = await scan('debian', 'trivy', 'trivy', 'embedded');
      for (const { claims, id } of findings) {
        const [ours, theirs] = claims;
        expect([id, ours?.engine, theirs?.severity]).toEqual([id, 'embedded', ours?.severity]);
        // They name the fixes of all branches, and we that of the branch which is installed.
        expect(theirs?.fixedIn).toEqual(expect.arrayContaining([...(ours?.fixedIn ?? [])]));
        expect(theirs?.fixedIn.length === 0).toBe(ours?.fixedIn.length === 0);
      }
    }, 60_000);

    it('are two opinions with databases of their own, and one with the same', async () => {
      expect((await scan('alpine', 'osv', 'trivy', 'embedded')).opinions).toBe('2 of 2 independent opinions');
      expect((await scan('alpine', 'trivy', 'trivy', 'embedded')).opinions).toBe(
        '1 of 2 independent opinions',
      );
    }, 60_000);

    it('deny what they find, and unverified they allow nothing', async () => {
      const { verdict } = await scan('debian', 'osv', 'trivy', 'grype');
      expect(verdict.status).toBe('deny');
      expect(verdict.rules.find(({ id }) => id === 'tools')?.result).toBe('indeterminate');
    }, 60_000);
  },
);

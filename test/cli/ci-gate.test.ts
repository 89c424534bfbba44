import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { debianStatus, osReleaseOf } from '../contents.ts';
import { runCli } from './pretend.ts';

let cwd: string;
let scan: string;

const ci = async (...words: readonly string[]) =>
  await runCli(words, { cwd, env: { HOME: cwd, PATH: '/nonexistent' }, clock: systemClock });
const gate = async (file = 'build.json') => {
  const ran = await ci('ci', 'gate', `@${file}`, '--scan', 'scan', '--output', 'json');
  return { ...ran, verdict: ran.code < 2 ? JSON.parse(ran.stdout) : undefined };
};
const settings = (scan: object) => writeFileSync(join(cwd, '.cascadeguard.yaml'), JSON.stringify({ scan }));
const ok = async (...words: readonly string[]) => {
  const { code, stderr } = await ci(...words);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
};

// One image with a package that has a flaw: high, and fixed by a later version.
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'cg-gate-'));
  const file = (path: string, content: string) => {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), content);
  };
  file(
    'images.yaml',
    JSON.stringify([{ name: 'api', registry: 'r.example', dockerfile: 'api/Dockerfile', context: 'api' }]),
  );
  file('api/Dockerfile', 'FROM scratch\nCOPY root /\n');
  file('api/root/etc/os-release', osReleaseOf('debian', '12'));
  file('api/root/var/lib/dpkg/status', debianStatus(['zlib', '1.0']));
  const affected = {
    package: { ecosystem: 'Debian:12', name: 'zlib' },
    ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0' }] }],
    ecosystem_specific: { urgency: 'high' },
  };
  file(
    'osv/DEBIAN-CVE-2026-0001.json',
    JSON.stringify({
      id: 'DEBIAN-CVE-2026-0001',
      modified: new Date().toISOString(),
      aliases: ['CVE-2026-0001'],
      affected: [affected],
      severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    }),
  );
  settings({ require: '1-engine' });
  await ok('db', 'import', 'osv', '--db', 'advisories');
  await ok('ci', 'build', 'api', '--oci-layout', 'oci', '--out', 'build.json');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

beforeEach(async () => {
  scan = join(cwd, 'scan');
  rmSync(scan, { recursive: true, force: true });
  settings({ require: '1-engine' });
  await ok('ci', 'scan', '@build.json', '--image', 'api', '--sbom', '--db', 'advisories', '--out', 'scan');
});

const index = () => JSON.parse(readFileSync(join(scan, 'scan.json'), 'utf8'));
const edit = (change: (folder: ReturnType<typeof index>) => void) => {
  const folder = index();
  change(folder);
  writeFileSync(join(scan, 'scan.json'), JSON.stringify(folder));
};

describe('cg ci gate', () => {
  it('denies what was found, and says what', async () => {
    const { code, verdict } = await gate();
    expect({ code, status: verdict.status }).toEqual({ code: 1, status: 'deny' });
    expect(verdict.reasons[0].reason).toMatch(/CVE-2026-0001 \(high\) in zlib 1\.0/);
  });

  it('does not believe a scan that says allow', async () => {
    edit(folder => (folder.status = 'allow'));
    const { code, verdict } = await gate();
    expect({ code, claimed: verdict.claimed }).toEqual({ code: 1, claimed: 'allow' });
  });

  it('judges by the thresholds and waivers of the checkout, and not by those of the scan', async () => {
    settings({ require: '1-engine', fixableOnly: false });
    expect((await gate()).code).toBe(1);
    edit(folder => (folder.status = 'allow'));
    const waiver = { id: 'CVE-2026-0001', kind: 'accepted', reason: 'r', owner: 'o', expires: '2100-01-01' };
    writeFileSync(join(cwd, 'waivers.yaml'), JSON.stringify({ version: '1', waivers: [waiver] }));
    expect((await gate()).code).toBe(0);
    rmSync(join(cwd, 'waivers.yaml'));
    settings({ require: '2-engines' });
    // A flaw is a flaw, whoever else was not asked.
    expect((await gate()).code).toBe(1);
  });

  it('never allows what the scan itself had something against', async () => {
    edit(folder => {
      folder.images[0].runs.find((run: { id: string }) => run.id === 'embedded').report.findings = [];
      folder.status = 'indeterminate';
      folder.cause = 'trust';
    });
    expect((await gate()).code).toBe(4);
  });

  it.each([
    ['an engine that was not heard', 3, run => Object.assign(run, { status: 'error', detail: 'x' })],
    ['old advisories', 3, run => (run.report.db.builtAt = '2001-01-01T00:00:00Z')],
    ['a program that nobody vouches for', 4, run => (run.report.unverified = true)],
    ['a scan of tomorrow', 4, run => (run.finishedAt = new Date(Date.now() + 8e7).toISOString())],
    ['a report that is none', 2, run => (run.report.findings = [{ id: 'x' }])],
  ] as const satisfies [string, number, (run: ReturnType<typeof index>) => unknown][])(
    'has no verdict from %s: exit code %i',
    async (_what, code, change) => {
      edit(folder => {
        const run = folder.images[0].runs.find(({ id }: { id: string }) => id === 'embedded');
        run.report.findings = [];
        change(run);
        folder.status = 'allow';
      });
      expect((await gate()).code).toBe(code);
    },
  );

  it.each([
    ['names no image', folder => (folder.images = [])],
    ['names another image', folder => (folder.images[0].digest = `sha256:${'a'.repeat(64)}`)],
    [
      'names one more',
      folder => folder.images.push({ ...folder.images[0], digest: `sha256:${'a'.repeat(64)}` }),
    ],
    ['names one twice', folder => folder.images.push(folder.images[0])],
    ['asks one engine twice', folder => folder.images[0].runs.push(...folder.images[0].runs)],
    ['has another file', folder => (folder.files['0-sbom.cdx.json'] = `sha256:${'a'.repeat(64)}`)],
    ['lacks a file', folder => (folder.files['0-trivy.json'] = `sha256:${'a'.repeat(64)}`)],
  ] as const satisfies [string, (folder: ReturnType<typeof index>) => unknown][])(
    'trusts no folder that %s: exit code 4',
    async (_what, change) => {
      edit(folder => {
        folder.status = 'allow';
        change(folder);
      });
      expect((await gate()).code).toBe(4);
    },
  );

  it('trusts no folder in which a report was edited', async () => {
    writeFileSync(join(scan, 'report.json'), '{}');
    expect((await gate()).code).toBe(4);
  });

  it('reads the report of a program anew, and believes none about another image', async () => {
    const raw = JSON.stringify({
      SchemaVersion: 2,
      ArtifactType: 'container_image',
      Metadata: { ImageID: `sha256:${'c'.repeat(64)}`, DiffIDs: [] },
      Results: [],
    });
    writeFileSync(join(scan, '0-trivy.json'), raw);
    edit(folder => {
      const [run] = folder.images[0].runs.filter(({ id }: { id: string }) => id === 'embedded');
      const report = { ...run.report, findings: [] };
      folder.files['0-trivy.json'] = `sha256:${createHash('sha256').update(raw).digest('hex')}`;
      folder.images[0].runs = [
        { ...run, report },
        { ...run, id: 'trivy', report, raw: '0-trivy.json' },
      ];
      folder.status = 'allow';
    });
    expect((await gate()).code).toBe(4);
  });

  it.each([
    ['a file outside of the folder', folder => (folder.files['../x'] = `sha256:${'a'.repeat(64)}`)],
    ['more than it knows', folder => (folder.more = 1)],
    ['another digest', folder => (folder.ref = `oci:oci@sha256:${'b'.repeat(64)}`)],
  ] as const satisfies [string, (folder: ReturnType<typeof index>) => unknown][])(
    'refuses a folder with %s: exit code 2',
    async (_what, change) => {
      edit(change);
      expect((await gate()).code).toBe(2);
    },
  );
});

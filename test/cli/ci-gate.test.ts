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
const gate = async (database = 'advisories') => {
  const ran = await ci('ci', 'gate', '@build.json', '--scan', 'scan', '--db', database, '--output', 'json');
  return { ...ran, verdict: ran.code === 2 || ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
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
  rmSync(join(cwd, 'waivers.yaml'), { force: true });
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

/** What the own engine finds is accepted: then only what else is wrong decides. */
const waive = () => {
  const waiver = { id: 'CVE-2026-0001', kind: 'accepted', reason: 'r', owner: 'o', expires: '2100-01-01' };
  writeFileSync(join(cwd, 'waivers.yaml'), JSON.stringify({ version: '1', waivers: [waiver] }));
};

const blob = (digest: string) =>
  JSON.parse(readFileSync(join(cwd, 'oci/blobs', digest.replace(':', '/')), 'utf8'));

/** A run of Trivy as a scan leaves it, that found nothing. */
const addTrivy = (change: (run: ReturnType<typeof index>) => void = () => {}) => {
  const { config } = blob(index().images[0].digest);
  const raw = JSON.stringify({
    SchemaVersion: 2,
    ArtifactType: 'container_image',
    Metadata: {
      OS: { Family: 'debian', Name: '12' },
      ImageID: config.digest,
      DiffIDs: blob(config.digest).rootfs.diff_ids,
    },
    Results: [
      {
        Target: 'debian',
        Class: 'os-pkgs',
        Type: 'debian',
        Packages: [{ Name: 'zlib', Version: '1.0', Identifier: { PURL: 'pkg:deb/debian/zlib@1.0' } }],
      },
    ],
  });
  writeFileSync(join(scan, '0-trivy.json'), raw);
  edit(folder => {
    const run = folder.images[0].runs.find(({ id }: { id: string }) => id === 'embedded');
    const trivy = structuredClone({ ...run, id: 'trivy', raw: '0-trivy.json' });
    trivy.report.lineage = ['other'];
    trivy.report.findings = [];
    folder.files['0-trivy.json'] = `sha256:${createHash('sha256').update(raw).digest('hex')}`;
    folder.images[0].runs = [run, trivy];
    folder.status = 'allow';
    change(trivy);
  });
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
    waive();
    expect((await gate()).code).toBe(0);
    rmSync(join(cwd, 'waivers.yaml'));
    settings({ require: '2-engines' });
    // A flaw is a flaw, whoever else was not asked.
    expect((await gate()).code).toBe(1);
  });

  it('finds again what a scan conceals, with the advisories of its own job', async () => {
    edit(folder => {
      folder.images[0].runs.find((run: { id: string }) => run.id === 'embedded').report.findings = [];
      folder.status = 'allow';
    });
    const { code, verdict } = await gate();
    expect({ code, claimed: verdict.claimed }).toEqual({ code: 1, claimed: 'allow' });
    edit(folder => (folder.images[0].runs = []));
    expect((await gate()).code).toBe(1);
  });

  it('has heard nothing of the embedded engine where its own job has no advisories: exit code 3', async () => {
    edit(folder => {
      folder.images[0].runs.find((run: { id: string }) => run.id === 'embedded').report.findings = [];
      folder.status = 'allow';
    });
    const { code, verdict } = await gate('nothing');
    expect({ code, status: verdict.status }).toEqual({ code: 3, status: 'indeterminate' });
    expect(verdict.next).toContain('cg db update');
    addTrivy();
    expect((await gate('nothing')).code).toBe(0);
    expect((await gate()).code).toBe(1);
  });

  it.each([
    ['deny', undefined, 1],
    ['indeterminate', 'trust', 4],
    ['indeterminate', 'remote', 3],
    ['allow', undefined, 0],
  ])('still holds what the scan itself had against the image: %s %s', async (status, cause, code) => {
    waive();
    edit(folder => Object.assign(folder, { status, cause }));
    expect((await gate()).code).toBe(code);
  });

  it.each([
    ['nothing that is wrong', 0, () => {}],
    ['an engine that was not heard', 3, run => Object.assign(run, { status: 'error', detail: 'x' })],
    ['old advisories', 3, run => (run.report.db.builtAt = '2001-01-01T00:00:00Z')],
    ['a program that nobody vouches for', 4, run => (run.report.unverified = true)],
    ['a scan of tomorrow', 4, run => (run.finishedAt = new Date(Date.now() + 8e7).toISOString())],
    ['a scan that ended before it began', 4, run => (run.finishedAt = '2020-01-01T00:00:00.000Z')],
    ['a report that is none', 2, run => (run.report.findings = [{ id: 'x' }])],
  ] as const satisfies [string, number, (run: ReturnType<typeof index>) => unknown][])(
    'ends after a program with %s: exit code %i',
    async (_what, code, change) => {
      waive();
      addTrivy(change);
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
      waive();
      edit(folder => {
        folder.status = 'allow';
        change(folder);
      });
      expect((await gate()).code).toBe(4);
    },
  );

  it.each(['report.json', 'scan.sarif', '0-sbom.spdx.json', '0-sbom.cdx.json'])(
    'trusts no folder in which %s was edited',
    async name => {
      waive();
      edit(folder => (folder.status = 'allow'));
      expect((await gate()).code).toBe(0);
      writeFileSync(join(scan, name), '{}');
      expect((await gate()).code).toBe(4);
    },
  );

  it('reads the report of a program anew, and believes none about another image', async () => {
    waive();
    addTrivy();
    const raw = readFileSync(join(scan, '0-trivy.json'), 'utf8').replace(
      /"ImageID":"[^"]*"/,
      `"ImageID":"sha256:${'c'.repeat(64)}"`,
    );
    writeFileSync(join(scan, '0-trivy.json'), raw);
    const digest = `sha256:${createHash('sha256').update(raw).digest('hex')}`;
    edit(folder => (folder.files['0-trivy.json'] = digest));
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

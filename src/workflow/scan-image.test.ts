import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultOf } from '../../test/faults.ts';
import { imageOf, indexOf, pushImage } from '../../test/images.ts';
import { alpineFiles, debianFiles, npmFiles, pushLayers } from '../../test/scan-images.ts';
import { tarOf } from '../../test/tar.ts';
import { LayoutRegistry } from '../image/oci/layout/layout.ts';
import { frozenClock } from '../model/clock.ts';
import { AdvisoryDatabase } from '../risk/advisories/database.ts';
import { EmbeddedEngine } from '../risk/scan/engines/embedded.ts';
import type { Attestation } from '../trust/policy/evidence/accept.ts';
import { readScan } from '../trust/policy/evidence/scans.ts';
import { importAdvisories, showAdvisories } from './keep-advisories.ts';
import { listContents, writeCycloneDx } from './list-contents.ts';
import { type ScanImage, scanActions, scanImage, writeCosignVuln, writeSarif } from './scan-image.ts';
import { scanManifest } from './scan-manifest.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-scan-image-'));
const clock = frozenClock('2026-11-24T12:00:00Z');
const database = join(root, 'database');
const layout = new LayoutRegistry(join(root, 'image'));
const place = { env: { HOME: root, PATH: '' }, cwd: root, clock, database };

function advisory(id: string, name: string, fixed: string | undefined, ecosystem = 'Debian:12'): object {
  const events = [{ introduced: '0' }, ...(fixed === undefined ? [] : [{ fixed }])];
  return {
    id,
    modified: '2026-11-24T06:00:00Z',
    summary: `a flaw in ${name}`,
    affected: [{ package: { ecosystem, name }, ranges: [{ type: 'ECOSYSTEM', events }] }],
    database_specific: { severity: 'HIGH' },
  };
}

function writeAdvisories(name: string, ...advisories: readonly object[]): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const [at, each] of advisories.entries())
    writeFileSync(join(folder, `${at}.json`), JSON.stringify(each));
  return folder;
}

const today = [
  advisory('CVE-2026-0001', 'openssl', '3.0.15-1'),
  advisory('CVE-2026-0002', 'zlib', undefined),
];

beforeAll(async () => {
  await pushLayers(
    layout,
    'v1',
    debianFiles(['libssl3', '3.0.11-1', 'Source: openssl\n'], ['zlib1g', '1.2.13-1', 'Source: zlib\n']),
    npmFiles('lodash', '4.17.20'),
  );
  await importAdvisories({ ...place, sources: [writeAdvisories('today', ...today)] });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function scan(o: Partial<ScanImage> = {}) {
  return await scanImage({
    ...place,
    target: `oci:${layout.folder}:v1`,
    version: '1.0.0',
    engines: ['embedded'],
    cache: false,
    ...o,
    policy: { requireEngines: 1, ...o.policy },
  });
}

describe('scanning an image', () => {
  it('denies what has a fixable flaw, says what to do, and that it is one opinion', async () => {
    const { verdict, reports } = await scan();
    expect(verdict).toEqual({ status: 'deny' });
    const [report] = reports;
    expect(report?.opinions).toBe('1 of 2 independent opinions');
    expect(report?.coverage).toEqual({
      packages: 3,
      byEcosystem: { 'debian:12': 2, npm: 1 },
      withoutFeed: ['npm'],
    });
    expect(report && scanActions(report)).toEqual([
      { what: 'upgrade openssl to 3.0.15-1', removes: 'removes CVE-2026-0001' },
    ]);
    expect(
      report?.findings.map(({ id, pkg, fix }) => [id, pkg.name, pkg.source?.name, fix.available]),
    ).toEqual([
      ['CVE-2026-0001', 'libssl3', 'openssl', true],
      ['CVE-2026-0002', 'zlib1g', 'zlib', false],
    ]);
  });

  it('gives no verdict when one opinion is not enough, or when nobody has one', async () => {
    const waivers = join(root, 'all.yaml');
    writeFileSync(
      waivers,
      'version: 1\nwaivers:\n  - {id: CVE-2026-0001, kind: accepted, reason: r, owner: o, expires: 2026-12-31}\n',
    );
    expect((await scan({ waiversFile: waivers })).verdict).toEqual({ status: 'allow' });
    expect((await scan({ waiversFile: waivers, policy: { requireEngines: 2 } })).verdict).toEqual({
      status: 'indeterminate',
      cause: 'remote',
    });
    expect((await scan({ engines: ['trivy'] })).verdict).toEqual({
      status: 'indeterminate',
      cause: 'remote',
    });
    expect((await scan({ database: join(root, 'nothing') })).verdict).toEqual({
      status: 'indeterminate',
      cause: 'remote',
    });
  });

  it('gives no verdict from old data', async () => {
    const { reports, verdict } = await scan({ clock: frozenClock('2026-12-24T12:00:00Z') });
    expect(reports[0]?.engines[0]?.outcome).toBe('stale-db');
    expect(verdict.status).toBe('indeterminate');
  });

  it('gives no verdict about a system for which there are no advisories', async () => {
    const other = new LayoutRegistry(join(root, 'alpine'));
    await pushLayers(other, 'v1', alpineFiles(['zlib', '1.2.12-r1']));
    const { reports, verdict } = await scan({ target: `oci:${other.folder}` });
    expect(reports[0]?.engines[0]).toMatchObject({ outcome: 'no-coverage' });
    expect(verdict.status).toBe('indeterminate');
  });

  it('gives no verdict about an image in which nothing was found', async () => {
    const bare = new LayoutRegistry(join(root, 'bare'));
    await pushLayers(bare, 'v1', [{ name: 'hello', content: 'world' }]);
    expect((await scan({ target: `oci:${bare.folder}` })).verdict.status).toBe('indeterminate');
  });

  it('scans every platform of an index, and the worst decides', async () => {
    const both = new LayoutRegistry(join(root, 'both'));
    const images = [
      { image: imageOf('one', [tarOf(debianFiles(['bash', '5.2']))]), architecture: 'amd64' },
      {
        image: imageOf('two', [tarOf(debianFiles(['openssl', '3.0.1-1']))], {
          os: 'linux',
          architecture: 'arm64',
        }),
        architecture: 'arm64',
      },
    ];
    for (const { image } of images) await pushImage(both, image);
    const index = indexOf(
      images.map(({ image, architecture }) => ({
        manifest: image.manifest,
        platform: { os: 'linux', architecture },
      })),
    );
    await both.push({ kind: 'manifest', ...index, tags: ['v1'] });
    const { reports, verdict } = await scan({ target: `oci:${both.folder}` });
    expect(reports.map(({ subject, verdict }) => [subject.platform, verdict.status])).toEqual([
      ['linux/amd64', 'allow'],
      ['linux/arm64', 'deny'],
    ]);
    expect(reports.map(({ subject }) => subject.indexDigest)).toEqual([
      index.descriptor.digest,
      index.descriptor.digest,
    ]);
    expect(verdict.status).toBe('deny');
    expect((await scan({ target: `oci:${both.folder}`, platform: 'linux/amd64' })).verdict.status).toBe(
      'allow',
    );
  });

  it('finds the same in its SBOM', async () => {
    const file = join(root, 'image.cdx.json');
    const inventory = await listContents({ ...place, target: `oci:${layout.folder}:v1`, cache: false });
    await writeFile(file, writeCycloneDx(inventory));
    const [whole, listed] = [await scan(), await scan({ target: `sbom:${file}` })];
    expect(listed.verdict).toEqual(whole.verdict);
    expect(listed.reports[0]?.findings.map(({ key }) => key)).toEqual(
      whole.reports[0]?.findings.map(({ key }) => key),
    );
  });

  it('gives equal bytes for equal input', async () => {
    expect(JSON.stringify(await scan())).toBe(JSON.stringify(await scan()));
  });

  it('tells flaws of the base image from our own', async () => {
    const derived = new LayoutRegistry(join(root, 'derived'));
    const base = debianFiles(['openssl', '3.0.1-1']);
    await pushLayers(derived, 'base', base);
    await pushLayers(derived, 'v1', base, npmFiles('a', '1.0.0'));
    const { reports } = await scan({
      target: `oci:${derived.folder}:v1`,
      base: `oci:${derived.folder}:base`,
    });
    const [report] = reports;
    expect(report?.findings[0]?.pkg.layer?.inherited).toBe(true);
    expect(report && scanActions(report)[0]?.what).toBe('rebuild on a newer base image: openssl to 3.0.15-1');
  });

  it('writes SARIF with one rule for each flaw, and a predicate that says which data were used', async () => {
    const { reports, runs } = await scan();
    const sarif = writeSarif(reports, '1.0.0') as {
      runs: { tool: { driver: { rules: { id: string }[] } }; results: unknown[] }[];
    };
    expect(sarif.runs[0]?.tool.driver.rules.map(({ id }) => id)).toEqual(['CVE-2026-0001', 'CVE-2026-0002']);
    expect(sarif.runs[0]?.results).toHaveLength(2);
    const [predicate] = reports[0] === undefined ? [] : writeCosignVuln(reports[0], runs[0]);
    expect(predicate?.scanner).toMatchObject({
      uri: 'pkg:npm/cascadeguard@1.0.0',
      db: { version: '1 2026-11-24T06:00:00.000Z' },
    });
    expect(predicate?.metadata.scanStartedOn).toBe('2026-11-24T12:00:00.000Z');
  });

  it('attests a report that is too large to travel in words that the gate reads all the same', async () => {
    const { reports, runs } = await scan();
    const raw = Buffer.alloc(2 * 1024 * 1024, ' ');
    const large = (runs[0] ?? []).map(run => {
      if (run.outcome.status !== 'ok') return run;
      return { ...run, outcome: { ...run.outcome, report: { ...run.outcome.report, raw } } };
    });
    const [predicate] = reports[0] === undefined ? [] : writeCosignVuln(reports[0], large);
    const read = readScan({ id: 'scan', statement: { predicate } } as unknown as Attestation);
    expect(read.problem).toBeUndefined();
    expect(read.findings.map(({ id }) => id)).toEqual(['CVE-2026-0001', 'CVE-2026-0002']);
  });
});

it('gives no verdict when an engine finds much less than the last time, until somebody accepts that', async () => {
  const names = ['one', 'two', 'three', 'four', 'five'];
  const digest = await pushLayers(
    layout,
    'many',
    debianFiles(...names.map(name => [name, '1.0-1'] as const)),
  );
  const flaws = names.map((name, at) => advisory(`CVE-2026-100${at}`, name, undefined));
  const o = { target: `oci:${layout.folder}@${digest}`, cache: true, database: join(root, 'silence') };
  const importAll = async (name: string, ...advisories: readonly object[]) =>
    await importAdvisories({
      ...place,
      database: o.database,
      sources: [writeAdvisories(name, ...advisories)],
    });
  await importAll('loud', ...flaws);
  expect((await scan(o)).verdict).toEqual({ status: 'allow' });
  await importAll('silent', ...flaws.slice(0, 2));
  for (let times = 0; times < 2; times++) {
    expect((await scan(o)).verdict).toEqual({ status: 'indeterminate', cause: 'trust' });
  }
  expect((await scan({ ...o, acceptSilence: true })).verdict).toEqual({ status: 'allow' });
  expect((await scan(o)).verdict).toEqual({ status: 'allow' });
});

it('takes what the project file says where no flag says otherwise', async () => {
  const project = join(root, 'project');
  mkdirSync(project);
  writeFileSync(
    join(project, '.cascadeguard.yaml'),
    'scan: {require: 1-engine, severity: critical, maxDbAge: 30d}\n',
  );
  const o = {
    ...place,
    target: `oci:${layout.folder}:v1`,
    version: '1',
    engines: ['embedded'] as const,
    cache: false,
    cwd: project,
  };
  expect((await scanImage(o)).verdict).toEqual({ status: 'allow' });
  expect((await scanImage({ ...o, clock: frozenClock('2026-12-10T00:00:00Z') })).verdict.status).toBe(
    'allow',
  );
  expect((await scanImage({ ...o, policy: { threshold: 'high' } })).verdict).toEqual({ status: 'deny' });
  expect((await scanImage({ ...o, policy: { requireEngines: 2 } })).verdict.status).toBe('indeterminate');
});

describe('advisories', () => {
  it('of tomorrow change the verdict by exactly what is new in them', async () => {
    const digest = await pushLayers(
      layout,
      'tomorrow',
      debianFiles(['bash', '5.2-1'], ['zlib1g', '1.2.13-1', 'Source: zlib\n']),
    );
    const scanWith = async (folder: string) => {
      await importAdvisories({ ...place, database: folder, sources: [folder] });
      const opened = await new AdvisoryDatabase(folder).open();
      if (opened === undefined) throw new Error('nothing was imported');
      const engines = [new EmbeddedEngine(opened.index, opened.identity, '1')];
      return await scanManifest({
        registry: layout,
        manifest: { digest },
        name: 'web',
        engines,
        clock,
        policy: { requireEngines: 1 },
      });
    };
    const before = await scanWith(writeAdvisories('day-1', ...today));
    const after = await scanWith(
      writeAdvisories('day-2', ...today, advisory('CVE-2026-0003', 'bash', '5.2-2')),
    );
    expect([before.report.verdict.status, after.report.verdict.status]).toEqual(['allow', 'deny']);
    const known = before.report.findings.map(({ id }) => id);
    expect(after.report.findings.map(({ id }) => id).filter(id => !known.includes(id))).toEqual([
      'CVE-2026-0003',
    ]);
  });

  it('that cannot be read leave those that were there', async () => {
    const folder = join(root, 'kept');
    await importAdvisories({ ...place, database: folder, sources: [join(root, 'today')] });
    const before = await showAdvisories({ ...place, database: folder });
    expect(
      await faultOf(
        importAdvisories({ ...place, database: folder, sources: [writeAdvisories('bad', [], {})] }),
      ),
    ).toMatchObject({ code: 'FILE_INVALID' });
    expect(await showAdvisories({ ...place, database: folder })).toEqual(before);
    expect(before).toMatchObject({ present: true, ageHours: 6, advisories: 2, lineage: ['osv.dev'] });
  });

  it('whose index was changed behind our back are not used', async () => {
    const folder = join(root, 'changed');
    await importAdvisories({ ...place, database: folder, sources: [join(root, 'today')] });
    const [name = ''] = (await readdir(folder)).filter(each => each.endsWith('.vdx'));
    const bytes = await readFile(join(folder, name));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, name), bytes);
    const { reports, verdict } = await scan({ database: folder });
    expect(reports[0]?.engines[0]?.outcome).toBe('bad-report');
    expect(verdict).toEqual({ status: 'indeterminate', cause: 'trust' });
  });

  it('are as old as their newest record, unless the user says how far they reach', async () => {
    const folder = writeAdvisories('old', {
      ...advisory('CVE-2026-0001', 'openssl', '3'),
      modified: '2026-01-01T00:00:00Z',
    });
    const imported = await importAdvisories({ ...place, database: join(root, 'as-of'), sources: [folder] });
    expect(imported.builtAt).toBe('2026-01-01T00:00:00.000Z');
    expect(imported.problems).toEqual([expect.stringContaining('a scan gives no verdict')]);
    const told = await importAdvisories({
      ...place,
      database: join(root, 'as-of'),
      sources: [folder],
      asOf: new Date('2026-11-20T00:00:00Z'),
    });
    expect(told.builtAt).toBe('2026-11-20T00:00:00.000Z');
    expect(told.problems).toEqual([]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { zipOf } from '../../../../test/contents.ts';
import { faultOf } from '../../../../test/faults.ts';
import type { Advisory, AdvisorySink, Vulnerability } from '../advisory.ts';
import { BoltFile } from './bbolt.ts';
import { importOsv } from './osv.ts';
import { importOsvRecord } from './osv-record.ts';
import { readZip } from './zip-file.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-importers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

class Collected implements AdvisorySink {
  readonly advisories: Advisory[] = [];
  readonly vulnerabilities: Vulnerability[] = [];
  advisory(advisory: Advisory): void {
    this.advisories.push(advisory);
  }
  vulnerability(vulnerability: Vulnerability): void {
    this.vulnerabilities.push(vulnerability);
  }
}

function record(change: object, affected: object = {}): object {
  return {
    id: 'CVE-2024-0001',
    modified: '2026-01-02T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'npm', name: 'a' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.2.3' }] }],
        ...affected,
      },
    ],
    ...change,
  };
}

function read(json: object): Collected {
  const sink = new Collected();
  expect(importOsvRecord(json, sink)).not.toHaveProperty('problem');
  return sink;
}

describe('an OSV record', () => {
  it('becomes an advisory', () => {
    const { advisories } = read(record({}));
    expect(advisories).toEqual([
      {
        feed: 'npm',
        package: 'a',
        id: 'CVE-2024-0001',
        source: 'osv',
        status: 'fixed',
        ranges: [{ fixed: '1.2.3' }],
      },
    ]);
  });

  it('that was withdrawn says nothing', () => {
    expect(read(record({ withdrawn: '2026-01-01T00:00:00Z' })).advisories).toEqual([]);
  });

  it('opens and closes ranges in the order of its events', () => {
    const events = [
      { introduced: '1' },
      { fixed: '2' },
      { introduced: '3' },
      { last_affected: '4' },
      { introduced: '5' },
    ];
    const { advisories } = read(
      record(
        {},
        {
          ranges: [
            { type: 'ECOSYSTEM', events },
            { type: 'GIT', events },
          ],
        },
      ),
    );
    expect(advisories[0]?.ranges).toEqual([
      { introduced: '1', fixed: '2' },
      { introduced: '3', lastAffected: '4' },
      { introduced: '5' },
    ]);
  });

  it('whose fix is 0 affects nothing', () => {
    const events = [{ introduced: '0' }, { fixed: '0' }];
    expect(read(record({}, { ranges: [{ type: 'ECOSYSTEM', events }] })).advisories).toEqual([]);
  });

  it('of an erratum fans out into the vulnerabilities that it names, and is the name of none of them', () => {
    const { advisories, vulnerabilities } = read(
      record({ id: 'RHSA-2024:1', upstream: ['CVE-2024-0001'], related: ['CVE-2024-0002', 'CVE-2024-0001'] }),
    );
    expect(advisories.map(({ id, bundles }) => [id, bundles])).toEqual([
      ['CVE-2024-0001', ['RHSA-2024:1']],
      ['CVE-2024-0002', ['RHSA-2024:1']],
    ]);
    expect(vulnerabilities.flatMap(({ aliases }) => aliases)).toEqual([]);
  });

  it('of anything else has no alias in what is merely related', () => {
    expect(
      read(record({ related: ['CVE-2024-0009'], aliases: ['GHSA-a', 'DSA-1'] })).vulnerabilities[0]?.aliases,
    ).toEqual(['GHSA-a']);
  });

  it('is rated by its own word, else by its vector', () => {
    const vector = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
    const severity = [{ type: 'CVSS_V3', score: vector }];
    expect(read(record({ severity })).vulnerabilities[0]).toMatchObject({
      severity: 'critical',
      details: { cvss: [{ score: 9.8, vector }] },
    });
    expect(
      read(record({ severity, database_specific: { severity: 'MODERATE' } })).vulnerabilities[0]?.severity,
    ).toBe('medium');
  });

  it.each([
    ['Debian:12', 'debian:12'],
    ['Alpine:v3.20', 'alpine:3.20'],
    ['Ubuntu:22.04:LTS', 'ubuntu:22.04'],
    ['Ubuntu:Pro:18.04:LTS', undefined],
    ['AlmaLinux:9', 'almalinux:9'],
    ['Rocky Linux:9', 'rocky:9'],
    ['Red Hat:enterprise_linux:9::baseos', 'redhat:9'],
    ['PyPI', 'pypi'],
    ['Debian', undefined],
    ['GIT', undefined],
  ])('of %s belongs to %s', (ecosystem, feed) => {
    const { advisories } = read(record({}, { package: { ecosystem, name: 'a' } }));
    expect(advisories[0]?.feed).toBe(feed);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['no id', {}],
    [
      'a range without end',
      record(
        {},
        { ranges: [{ type: 'SEMVER', events: Array.from({ length: 30_000 }, () => ({ introduced: '1' })) }] },
      ),
    ],
    ['a version that is a book', record({}, { versions: ['1'.repeat(5_000)] })],
    ['a number for a name', record({}, { package: { ecosystem: 'npm', name: 3 } })],
  ])('of %s is a problem', (_what, json) => {
    expect(importOsvRecord(json, new Collected())).toHaveProperty('problem');
  });
});

describe('a source of OSV records', () => {
  function folder(name: string, files: Record<string, string | Buffer>): string {
    const path = join(root, name);
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(path, file, '..'), { recursive: true });
      writeFileSync(join(path, file), content);
    }
    return path;
  }

  it('is a folder, a folder of zips, or a zip, and says how far it reaches', async () => {
    const [one, two] = [
      JSON.stringify(record({})),
      JSON.stringify(record({ modified: '2026-03-01T00:00:00Z', id: 'CVE-2024-0002' })),
    ];
    const zip = zipOf({
      'a.json': one,
      'b.json': two,
      'c.txt': 'x',
    });
    const sources = [
      folder('plain', { 'npm/a.json': one, 'npm/b.json': two }),
      folder('zipped', { 'npm/all.zip': zip }),
      join(folder('alone', { 'all.zip': zip }), 'all.zip'),
    ];
    for (const source of sources) {
      const sink = new Collected();
      expect(await importOsv(source, sink)).toMatchObject({
        records: 2,
        newest: '2026-03-01T00:00:00.000Z',
        lineage: 'osv.dev',
      });
      expect(sink.advisories.map(({ id }) => id).sort()).toEqual(['CVE-2024-0001', 'CVE-2024-0002']);
    }
  });

  it('with one damaged record is used, and says so; with many it is refused', async () => {
    const good = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [
        `${at}.json`,
        JSON.stringify(record({ id: `CVE-2024-${1_000 + at}` })),
      ]),
    );
    const { problems, records } = await importOsv(
      folder('scratched', { ...good, 'bad.json': '{' }),
      new Collected(),
    );
    expect([records, problems]).toEqual([20, ['bad.json: not JSON']]);
    const broken = folder('broken', { 'a.json': '{', 'b.json': '[]', 'c.json': JSON.stringify(record({})) });
    expect(await faultOf(importOsv(broken, new Collected()))).toMatchObject({ code: 'FILE_INVALID' });
  });

  it('that is empty is refused: nothing is not the same as nothing wrong', async () => {
    expect(await faultOf(importOsv(folder('empty', { 'readme.txt': 'x' }), new Collected()))).toMatchObject({
      code: 'FILE_INVALID',
    });
  });
});

describe('a zip', () => {
  async function readAll(bytes: Buffer, largest = 1_000): Promise<string[]> {
    const path = join(root, `${Math.abs(bytes.readUInt32LE(0))}-${bytes.length}.zip`);
    writeFileSync(path, bytes);
    const names: string[] = [];
    for await (const { name } of readZip(path, { wants: () => true, largest })) names.push(name);
    return names;
  }

  it('that unpacks to more than it may is refused, whatever size it claims', async () => {
    const bomb = zipOf({ 'bomb.json': '0'.repeat(100_000) });
    expect(await faultOf(readAll(bomb))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    const directory = bomb.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bomb.writeUInt32LE(10, directory + 24);
    expect(await faultOf(readAll(bomb))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('that is damaged anywhere ends in a fault', async () => {
    const whole = zipOf({
      'a.json': 'a',
      'b.json': 'b'.repeat(500),
    });
    for (let at = 0; at < whole.length; at += 3) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      await readAll(bytes).catch((error: unknown) =>
        expect(error).toHaveProperty('code', expect.stringMatching(/INVALID|LIMIT/)),
      );
    }
    expect(await faultOf(readAll(whole.subarray(0, whole.length - 30)))).toMatchObject({
      code: 'FILE_INVALID',
    });
  });
});

describe('a bbolt file', () => {
  const pageSize = 4096;

  /** Pages 0 and 1 are metas, page 3 is the root. */
  function boltOf(pages: readonly Buffer[]): Buffer {
    const meta = Buffer.alloc(pageSize);
    meta.writeUInt16LE(4, 8);
    meta.writeUInt32LE(0xed0cdaed, 16);
    meta.writeUInt32LE(2, 20);
    meta.writeUInt32LE(pageSize, 24);
    meta.writeBigUInt64LE(3n, 32);
    meta.writeBigUInt64LE(1n, 64);
    let hash = 0xcbf29ce484222325n;
    for (const byte of meta.subarray(16, 72))
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
    meta.writeBigUInt64LE(hash, 72);
    return Buffer.concat([meta, meta, Buffer.alloc(pageSize), ...pages]);
  }

  function branchTo(...targets: number[]): Buffer {
    const page = Buffer.alloc(pageSize);
    page.writeUInt16LE(1, 8);
    page.writeUInt16LE(targets.length, 10);
    for (const [at, target] of targets.entries()) page.writeBigUInt64LE(BigInt(target), 16 + at * 16 + 8);
    return page;
  }

  function leafOf(key: string, value: string): Buffer {
    const page = Buffer.alloc(pageSize);
    page.writeUInt16LE(2, 8);
    page.writeUInt16LE(1, 10);
    page.writeUInt32LE(16, 20);
    page.writeUInt32LE(key.length, 24);
    page.writeUInt32LE(value.length, 28);
    page.write(key + value, 32);
    return page;
  }

  function entriesOf(bytes: Buffer): string[] {
    const path = join(root, 'test.db');
    writeFileSync(path, bytes);
    const file = new BoltFile(path);
    try {
      return [...file.entries(file.root)].map(({ key }) => key);
    } finally {
      file.close();
    }
  }

  it('is read from its root to its leaves', () => {
    expect(entriesOf(boltOf([branchTo(4, 5), leafOf('a', '1'), leafOf('b', '2')]))).toEqual(['a', 'b']);
  });

  it.each<[string, readonly Buffer[]]>([
    ['whose page leads to itself', [branchTo(3)]],
    ['whose pages lead in a circle', [branchTo(4), branchTo(5), branchTo(3)]],
    ['whose one page has many parents', [branchTo(4, 4), leafOf('a', '1')]],
    ['whose page lies behind the end', [branchTo(99)]],
    ['whose page number is beyond all files', [branchTo(2 ** 50)]],
    ['whose page is of no kind', [Buffer.alloc(pageSize)]],
    ['whose entry runs over its page', [leafOf('a', '1').fill(0xff, 24, 32)]],
    ['whose page claims to run on for ever', [leafOf('a', '1').fill(0xff, 12, 16)]],
  ])('%s is damaged', (_what, pages) => {
    expect(() => entriesOf(boltOf(pages))).toThrow(expect.objectContaining({ code: 'FILE_INVALID' }));
  });

  it('without a meta page that is whole is damaged', () => {
    const bytes = boltOf([leafOf('a', '1')]);
    bytes[40] = 1;
    bytes[40 + pageSize] = 1;
    expect(() => entriesOf(bytes)).toThrow(expect.objectContaining({ code: 'FILE_INVALID' }));
  });
});

import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alpineInstalled,
  berkeleyHash,
  debianStatus,
  gemspec,
  jarOf,
  osReleaseOf,
  packageJson,
  pythonMetadata,
  rpmDatabase,
  rpmDatabaseByRpm,
  rpmHeader,
  rpmNdb,
  zipOf,
} from '../../../../test/contents.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import type { FileFindings } from '../cataloguer.ts';
import { goMagic } from '../readers/go-build-info.ts';
import { allCataloguers } from './all.ts';

function read(path: string, content: Buffer | string, piece = 1000): FileFindings {
  const bytes = Buffer.from(content);
  const readers = allCataloguers.flatMap(
    cataloguer => cataloguer.open({ path, size: bytes.length, mode: 0o755 }) ?? [],
  );
  const found = readers.map(reader => {
    for (let at = 0; at < bytes.length; at += piece) reader.write(bytes.subarray(at, at + piece));
    return reader.end();
  });
  return Object.assign({}, ...found) as FileFindings;
}

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.from([(value & 127) | 128, value >> 7]);
}

/** An ELF of 64 bits with one section that begins at `section`, and the build information at `at`. */
function goProgram(modules: string, at = 4096, section = at, flags = 2): Buffer {
  const text = `${'s'.repeat(16)}${modules}${'e'.repeat(16)}`;
  const version = 'go1.22.3';
  const info = Buffer.concat([
    goMagic,
    Buffer.from([8, flags]),
    Buffer.alloc(16),
    ...[varint(version.length), Buffer.from(version), varint(text.length), Buffer.from(text)],
  ]);
  const program = Buffer.alloc(128 * 1024);
  program.write('\x7fELF\x02\x01', 0, 'latin1');
  program.writeBigUInt64LE(100_000n, 40);
  program.writeUInt16LE(64, 58);
  program.writeUInt16LE(1, 60);
  program.writeBigUInt64LE(BigInt(section), 100_024);
  info.copy(program, at);
  return program;
}

const modules =
  'path\tx.org/a\nmod\tx.org/a\tv1.0.0\nlong\ndep\tx.org/b/c\tv2.0.0\th1:x\ndep\told\tv1\n=>\tx.org/new\tv3.0.0\th1:y\nbuild\tvcs.revision=abc\n';
const rpm = rpmDatabase(
  Array.from({ length: 60 }, (_, at) =>
    rpmHeader({ 1000: `p${at}`, 1001: '1', 1002: '2', 1005: 'z'.repeat(at * 40) }),
  ),
  512,
);
const nested = jarOf('g', 'a', '1', { 'b.jar': jarOf('g', 'b', '2') });

const headers = Array.from({ length: 40 }, (_, at) =>
  rpmHeader({ 1000: `p${at}`, 1001: '1', 1002: '2', 1005: 'z'.repeat(1500 + at * 400) }),
);
const rpmKinds = [
  ['var/lib/rpm/Packages', berkeleyHash(headers)],
  ['usr/lib/sysimage/rpm/Packages.db', rpmNdb(headers)],
  ['usr/lib/sysimage/rpm/rpmdb.sqlite', rpmDatabaseByRpm(headers)],
].filter((sample): sample is [string, Buffer] => sample[1] !== undefined);

const samples: [path: string, content: Buffer | string][] = [
  ['etc/os-release', osReleaseOf('debian', '12')],
  ['var/lib/dpkg/status', debianStatus(['a', '1', 'Source: b (2)\n'], ['c', '3'])],
  ['lib/apk/db/installed', alpineInstalled(['a', '1', 'F:usr/bin\nR:x\n'])],
  ['node_modules/a/package.json', packageJson('a', '1')],
  ['a.dist-info/METADATA', pythonMetadata('a', '1')],
  ['specifications/a.gemspec', gemspec('a', '1')],
  ['a.jar', nested],
  ['bin/go', goProgram(modules)],
  ...rpmKinds,
  ...(rpm === undefined ? [] : ([['var/lib/rpm/rpmdb.sqlite', rpm]] as [string, Buffer][])),
];

describe('whatever is in a file', () => {
  it.each(samples)('%s gives packages, or a fault that becomes a problem', (path, content) => {
    const bytes = Buffer.from(content);
    const whole = read(path, bytes);
    expect((whole.packages?.length ?? 0) + Number(whole.distribution !== undefined)).toBeGreaterThan(0);
    // Of a large file the interesting parts are those that the reader looks at.
    const place = fc.oneof(fc.nat(Math.min(bytes.length, 6000) - 1), fc.nat(bytes.length - 1));
    fc.assert(
      fc.property(place, fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.boolean(), (at, put, isCut) => {
        const broken = isCut
          ? bytes.subarray(0, at)
          : Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + put.length)]);
        try {
          read(path, broken, 4096);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
      { seed: 42, numRuns: 400 },
    );
  });
});

describe('Go programs', () => {
  it('list their modules, replaced ones as what replaced them, and the library of Go', () => {
    const modulesOf = (piece: number): unknown[] =>
      (read('bin/go', goProgram(modules), piece).packages ?? []).map(
        ({ namespace, name, version }) => `${namespace ?? ''} ${name} ${version}`,
      );
    const expected = ['x.org a v1.0.0', 'x.org/b c v2.0.0', 'x.org new v3.0.0', ' stdlib 1.22.3'];
    for (const piece of [1, 13, 4099, 200_000]) expect(modulesOf(piece)).toEqual(expected);
  });

  it('do not have what only looks like it: the block must begin a section', () => {
    expect(read('bin/x', goProgram(modules, 4096, 8192))).toEqual({});
    expect(read('bin/x', goProgram(modules, 4104))).toEqual({});
  });

  it('of old are refused by name', () => {
    expect(() => read('bin/x', goProgram(modules, 4096, 4096, 0))).toThrow(/before 1\.18/);
  });

  it('built in development have their commit for a version', () => {
    const found = read('bin/x', goProgram('mod\tx.org/a\t(devel)\nbuild\tvcs.revision=abc\n'));
    expect(found.packages?.[0]?.version).toBe('abc');
  });
});

describe('Java archives', () => {
  const coordinatesOf = (path: string, content: Buffer): string[] =>
    (read(path, content).packages ?? []).map(
      ({ namespace, name, version }) => `${namespace ?? ''}:${name}:${version}`,
    );

  it('believe pom.properties before the manifest before the name of the file', () => {
    const manifest =
      'Manifest-Version: 1.0\nImplementation-Version: 7\nImplementation-Vendor-Id: org.v\nImplementation-Title: t\n';
    expect(coordinatesOf('x-9.jar', jarOf('g', 'x', '1'))).toEqual(['g:x:1']);
    expect(coordinatesOf('x.jar', zipOf({ 'META-INF/MANIFEST.MF': manifest }))).toEqual(['org.v:x:7']);
    expect(coordinatesOf('x-9.1.jar', zipOf({ a: 'b' }))).toEqual([':x:9.1']);
  });

  it('with something in front are read, as self-starting ones have', () => {
    expect(coordinatesOf('x.jar', Buffer.concat([Buffer.from('#!/bin/sh\n'), jarOf('g', 'x', '1')]))).toEqual(
      ['g:x:1'],
    );
  });

  it('nested without end, or lying about sizes, end as a problem', () => {
    let deep: Buffer = jarOf('g', 'deepest', '1');
    for (let at = 0; at < 10; at++) deep = jarOf('g', `l${at}`, '1', { 'in.jar': deep });
    const found = read('x.jar', deep);
    expect(found.packages?.length).toBe(7);
    expect(found.problems).toEqual([expect.stringContaining('nested too deeply')]);
    const small = zipOf({ 'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\n'.repeat(50) }, { size: 10 });
    expect(() => read('x.jar', small)).toThrow(/more than it says/);
    const huge = zipOf({ 'META-INF/MANIFEST.MF': 'x' }, { size: 0xfffffff0 });
    expect(() => read('x.jar', huge)).toThrow(/too large/);
  });

  it('that are bombs unpack to no more than the limit', () => {
    const bomb = Buffer.alloc(200 * 1024 * 1024);
    expect(deflateRawSync(bomb).length).toBeLessThan(1024 * 1024);
    const found = read('x.jar', zipOf({ 'a.jar': bomb }));
    expect(found.problems).toEqual([expect.stringContaining('too large')]);
  });
});

describe('RPM databases', () => {
  it.each(rpmKinds)('in %s have every package', (path, content) => {
    const names = read(path, content)
      .packages?.map(({ name, version }) => `${name} ${version}`)
      .sort();
    expect(names).toEqual(headers.map((_, at) => `p${at} 1-2`).sort());
  });

  it.skipIf(rpm === undefined)('with circles and chains without end are faults [needs python3]', () => {
    const doctored = Buffer.from(rpm ?? '');
    for (let page = 1; page < doctored.length / 512; page++) {
      // Every page of a chain goes on in itself.
      if (doctored[page * 512] === 0) doctored.writeUInt32BE(page + 1, page * 512);
      // Every inner page has itself below.
      if (doctored[page * 512] === 5) doctored.writeUInt32BE(page + 1, page * 512 + 8);
    }
    expect(() => read('var/lib/rpm/rpmdb.sqlite', doctored)).toThrow(Fault);
  });

  it('that are no databases are named, and so are changes beside one', () => {
    for (const name of ['Packages', 'Packages.db', 'rpmdb.sqlite'])
      expect(() => read(`var/lib/rpm/${name}`, Buffer.alloc(8192, 1))).toThrow(Fault);
    expect(read('var/lib/rpm/rpmdb.sqlite-wal', 'x').problems).toHaveLength(1);
  });
});

describe('dpkg', () => {
  it('has no packages that are not there', () => {
    const status =
      'Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: b\nStatus: install ok half-configured\nVersion: 2\n\nPackage: c\nStatus: purge ok not-installed\n';
    expect(read('var/lib/dpkg/status', status).packages?.map(({ name }) => name)).toEqual(['b']);
  });

  it('refuses what is no database', () => {
    expect(() => read('var/lib/dpkg/status', 'hello')).toThrow(/no package database/);
    expect(read('var/lib/dpkg/status', '').packages).toEqual([]);
  });
});

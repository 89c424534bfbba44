import { describe, expect, it } from 'vitest';
import type { Distribution, Inventory, Package } from '../../model/inventory.ts';
import type { Advisory } from './advisory.ts';
import { IndexBuilder } from './index/build-index.ts';
import { openIndexBytes } from './index/open-index.ts';
import { Matcher } from './match.ts';

function matcherOf(...advisories: readonly Partial<Advisory>[]): Matcher {
  const builder = new IndexBuilder();
  for (const [at, advisory] of advisories.entries()) {
    const id = `CVE-2026-${1_000 + at}`;
    builder.advisory({
      feed: 'redhat',
      package: 'npm',
      id,
      status: 'fixed',
      source: 'test',
      ranges: [{ fixed: '2.0-1' }],
      ...advisory,
    });
  }
  builder.products('rhel-9-for-x86_64-baseos-rpms', [1, 2]);
  builder.products('special-rpms', [7]);
  return new Matcher(openIndexBytes(builder.build({ lineage: [], builtAt: '', sources: [] })));
}

function found(matcher: Matcher, distribution: Distribution, more: Partial<Package> = {}): string[] {
  const one: Package = {
    type: 'rpm',
    name: 'npm',
    version: '1.0-1',
    purl: '',
    path: '',
    foundBy: 'rpm',
    ...more,
  };
  const inventory: Inventory = {
    subject: { name: '', layers: [] },
    distribution,
    packages: [one],
    cataloguers: [],
    problems: [],
  };
  return matcher
    .matchInventory(inventory)
    .flatMap(({ matches }) => matches.map(({ vulnerability }) => vulnerability.id));
}

const rhel: Distribution = { id: 'rhel', versionId: '9.4' };

describe('an advisory of Red Hat', () => {
  const matcher = matcherOf({ products: [2] }, { products: [7] }, { products: [] });

  it('holds where one of its products is enabled, without build information the usual ones', () => {
    expect(found(matcher, rhel)).toEqual(['CVE-2026-1000']);
    expect(found(matcher, { ...rhel, contentSets: ['special-rpms__8'] })).toEqual(['CVE-2026-1001']);
    expect(found(matcher, { ...rhel, contentSets: ['unknown-rpms'] })).toEqual([]);
  });

  it('of a module stream holds for that stream only, whoever was looked up before', () => {
    const streams = matcherOf({ products: [1], package: 'nodejs:18::npm' }, { products: [1] });
    expect(found(streams, rhel, { module: 'nodejs:18:8060:abc' })).toEqual(['CVE-2026-1000']);
    expect(found(streams, rhel)).toEqual(['CVE-2026-1001']);
    expect(found(streams, rhel, { module: 'nodejs:20:8060:abc' })).toEqual([]);
  });
});

it('an advisory for one architecture holds for that and for packages of none', () => {
  const matcher = matcherOf({ feed: 'almalinux:9', arches: ['aarch64'] });
  const alma: Distribution = { id: 'almalinux', versionId: '9.5' };
  const arches = ['aarch64', 'x86_64', 'noarch'].map(arch => found(matcher, alma, { arch }).length);
  expect(arches).toEqual([1, 0, 1]);
});

it('a package of a system and one of a language that share a name share no advisories', () => {
  const matcher = matcherOf({ feed: 'pypi', package: 'rpm' }, { feed: 'debian:12', package: 'rpm' });
  const debian: Distribution = { id: 'debian', versionId: '12' };
  expect(found(matcher, debian, { type: 'pypi', name: 'rpm' })).toEqual(['CVE-2026-1000']);
  expect(found(matcher, debian, { type: 'deb', name: 'rpm' })).toEqual(['CVE-2026-1001']);
});

it('a binary package is looked up by the name and the version of its source', () => {
  const matcher = matcherOf({ feed: 'debian:12', package: 'openssl' });
  const debian: Distribution = { id: 'debian', versionId: '12' };
  const source = (version: string) =>
    ({ type: 'deb', name: 'libssl3', version: '9', source: { name: 'openssl', version } }) as const;
  expect([
    found(matcher, debian, source('1.0')).length,
    found(matcher, debian, source('2.0-1')).length,
  ]).toEqual([1, 0]);
});

it('of several fixes of one flaw the highest is the one to install', () => {
  const builder = new IndexBuilder();
  for (const fixed of ['1.5-1', '1.7-1', '1.6-1']) {
    builder.advisory({
      feed: 'rocky:9',
      package: 'npm',
      id: 'CVE-2026-1000',
      status: 'fixed',
      source: 'test',
      ranges: [{ fixed }],
    });
  }
  const matcher = new Matcher(openIndexBytes(builder.build({ lineage: [], builtAt: '', sources: [] })));
  const one: Package = { type: 'rpm', name: 'npm', version: '1.0-1', purl: '', path: '', foundBy: 'rpm' };
  const inventory: Inventory = {
    subject: { name: '', layers: [] },
    distribution: { id: 'rocky', versionId: '9' },
    packages: [one],
    cataloguers: [],
    problems: [],
  };
  expect(matcher.matchInventory(inventory)[0]?.matches.map(({ fixedIn }) => fixedIn)).toEqual([['1.7-1']]);
});

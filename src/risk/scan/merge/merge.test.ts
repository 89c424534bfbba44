import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Inventory } from '../../../model/inventory.ts';
import type { EngineFinding, EngineReport, Heard } from '../engine.ts';
import { canonicalId, isBundle } from './identifiers.ts';
import { mergeFindings } from './merge.ts';
import { packageKeyOf, toEnginePackage } from './package-key.ts';

const inventory: Inventory = {
  subject: { name: 'web', layers: [] },
  packages: [],
  cataloguers: [],
  problems: [],
};

function finding(id: string, purl: string, more: Partial<EngineFinding> = {}): EngineFinding {
  return {
    id,
    aliases: [],
    bundles: [],
    pkg: toEnginePackage({ purl, type: '', name: '', version: '', paths: [] }),
    severity: 'high',
    cvss: [],
    status: 'fixed',
    fixedIn: [],
    matchType: 'exact',
    ...more,
  };
}

function heard(engine: string, findings: readonly EngineFinding[], more: Partial<EngineReport> = {}): Heard {
  const db = { lineage: engine, version: '1', builtAt: '2026-01-01T00:00:00Z' };
  return {
    engine,
    report: { version: '1', lineage: [engine], db, findings, ignored: [], withoutFeed: [], ...more },
  };
}

describe('merging', () => {
  it('makes one finding of a CVE and the GHSA that is the same', () => {
    const trivy = heard('trivy', [
      finding('CVE-2021-23337', 'pkg:npm/lodash@4.17.20', { aliases: ['GHSA-35jh-r3h4-6jhm'] }),
    ]);
    const grype = heard('grype', [
      finding('GHSA-35jh-r3h4-6jhm', 'pkg:npm/lodash@4.17.20', { aliases: ['CVE-2021-23337'] }),
    ]);
    const merged = mergeFindings([trivy, grype], inventory);
    expect(merged).toHaveLength(1);
    expect(merged[0]).toMatchObject({
      id: 'CVE-2021-23337',
      aliases: ['GHSA-35jh-r3h4-6jhm'],
      disagreement: { kind: 'both' },
    });
    expect(merged[0]?.claims.map(({ engine, id }) => `${engine} ${id}`)).toEqual([
      'grype GHSA-35jh-r3h4-6jhm',
      'trivy CVE-2021-23337',
    ]);
  });

  it('fans an advisory of a distributor out into its CVEs, and never joins them through it', () => {
    const purl = 'pkg:rpm/amazon/curl@7.61.1-11.91.amzn1?arch=x86_64';
    const trivy = heard('trivy', [
      finding('CVE-2019-5481', purl, { severity: 'medium', severitySource: 'amazon' }),
      finding('CVE-2019-5482', purl, { severity: 'medium', severitySource: 'amazon' }),
    ]);
    const grype = heard('grype', [
      finding('ALAS-2019-1340', 'pkg:rpm/amzn/curl@7.61.1-11.91.amzn1?distro=amzn-2018.03&arch=x86_64', {
        covers: ['CVE-2019-5481', 'CVE-2019-5482'],
        severitySource: 'amazon',
      }),
    ]);
    const merged = mergeFindings([trivy, grype], inventory);
    expect(merged.map(({ id, advisories, disagreement }) => [id, advisories, disagreement?.kind])).toEqual([
      ['CVE-2019-5481', ['ALAS-2019-1340'], 'severity-differs'],
      ['CVE-2019-5482', ['ALAS-2019-1340'], 'severity-differs'],
    ]);
  });

  it('keeps an advisory that names no CVE under its own name', () => {
    const merged = mergeFindings(
      [heard('grype', [finding('ELSA-2024-1', 'pkg:rpm/ol/curl@1-1')])],
      inventory,
    );
    expect(merged.map(({ id }) => id)).toEqual(['ELSA-2024-1']);
  });

  it('folds two places of one engine into one claim with the worse severity and all fixes', () => {
    const two = [
      finding('CVE-2024-0001', 'pkg:npm/a@1.0.0', { severity: 'low', fixedIn: ['1.10.0'] }),
      finding('CVE-2024-0001', 'pkg:npm/a@1.0.0', { severity: 'critical', fixedIn: ['1.9.0'] }),
    ];
    const [merged] = mergeFindings([heard('trivy', two)], inventory);
    expect(merged?.claims).toHaveLength(1);
    expect(merged?.claims[0]).toMatchObject({ severity: 'critical', fixedIn: ['1.9.0', '1.10.0'] });
  });

  it('names no fix of an older branch where there is one above what is installed', () => {
    const one = finding('CVE-2021-44906', 'pkg:npm/minimist@1.2.0', { fixedIn: ['1.2.6', '0.2.4'] });
    expect(mergeFindings([heard('trivy', [one])], inventory)[0]?.fix).toEqual({
      available: true,
      versions: ['1.2.6'],
    });
  });

  it('flags what is known by two CVEs, and calls it by the lower one', () => {
    const one = finding('CVE-2024-0002', 'pkg:npm/a@1.0.0', { aliases: ['CVE-2024-0001'] });
    expect(mergeFindings([heard('trivy', [one])], inventory)[0]).toMatchObject({
      id: 'CVE-2024-0001',
      flags: ['multi-cve'],
    });
  });

  it('gives the distributor the last word on the severity, and says so', () => {
    const purl = 'pkg:deb/debian/tar@1.34';
    const merged = mergeFindings(
      [
        heard('trivy', [finding('CVE-2005-2541', purl, { severity: 'low', severitySource: 'debian' })]),
        heard('grype', [finding('CVE-2005-2541', purl, { severity: 'critical', severitySource: 'nvd' })]),
      ],
      inventory,
    );
    expect(merged[0]?.effective).toEqual({ severity: 'low', reason: 'debian, says trivy' });
  });

  const packages = [packageKeyOf({ type: 'npm', name: 'a', version: '1.0.0' })];
  it.each<[string, Partial<EngineFinding>, Partial<EngineReport>]>([
    ['ignored-by-rule', {}, { ignored: [finding('CVE-2024-0001', 'pkg:npm/a@1.0.0')] }],
    ['cpe-match', { matchType: 'cpe' }, { packages }],
    ['no-package-in-other', {}, { packages: [] }],
    ['fixed-per-other', {}, { packages, findings: [finding('CVE-2024-0001', 'pkg:npm/b@1.0.0')] }],
    ['db-older(48h)', { published: '2026-01-03T00:00:00Z' }, { packages }],
    ['unknown', {}, { packages }],
  ])('says %s when only one engine has it', (reason, claim, other) => {
    const merged = mergeFindings(
      [heard('trivy', [finding('CVE-2024-0001', 'pkg:npm/a@1.0.0', claim)]), heard('grype', [], other)],
      inventory,
    );
    const [found] = merged.filter(({ pkg }) => pkg.name === 'a');
    expect(found?.disagreement).toEqual({ kind: 'only:trivy', reason });
  });

  it('gives the same whatever the order of engines and findings was', () => {
    const ids = fc.constantFrom(
      'CVE-2024-0001',
      'CVE-2024-0002',
      'GHSA-aaaa-bbbb-cccc',
      'GO-2024-0001',
      'RHSA-2024:1',
    );
    const said = fc.record({
      id: ids,
      aliases: fc.array(ids, { maxLength: 2 }),
      purl: fc.constantFrom('pkg:npm/a@1.0.0', 'pkg:npm/b@2.0.0'),
    });
    const reports = fc.array(fc.tuple(fc.constantFrom('trivy', 'grype'), said), { maxLength: 12 });
    fc.assert(
      fc.property(reports, reports, (some, others) => {
        const all = [...some, ...others].map(([engine, { id, aliases, purl }]) => ({
          engine,
          one: finding(id, purl, { aliases: aliases.filter(alias => alias !== id && !isBundle(alias)) }),
        }));
        const merge = (list: typeof all) =>
          mergeFindings(
            ['grype', 'trivy'].map(engine =>
              heard(
                engine,
                list.filter(each => each.engine === engine).map(({ one }) => one),
              ),
            ),
            inventory,
          ).map(({ key, aliases }) => ({ key, aliases }));
        expect(merge(all.toReversed())).toEqual(merge(all));
        expect(new Set(merge(all).map(({ key }) => key)).size).toBe(merge(all).length);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('packages', () => {
  it.each([
    ['pkg:deb/debian/libssl3@3.0.11-1?arch=amd64', 'pkg:deb/ubuntu/libssl3@3.0.11-1', 'deb|libssl3|3.0.11-1'],
    ['pkg:rpm/redhat/bash@5.1.8-6.el9?epoch=0', 'pkg:rpm/bash@5.1.8-6.el9', 'rpm|bash|5.1.8-6.el9'],
    ['pkg:rpm/redhat/dbus@1.12.20-5.el9?epoch=1', 'pkg:rpm/dbus@1:1.12.20-5.el9', 'rpm|dbus|1:1.12.20-5.el9'],
    ['pkg:pypi/Flask_Login@0.6', 'pkg:pypi/flask-login@0.6', 'pypi|flask-login|0.6'],
    [
      'pkg:golang/golang.org/x/crypto@v0.16.0',
      'pkg:golang/golang.org/x/crypto@0.16.0',
      'golang|golang.org/x/crypto|0.16.0',
    ],
    ['pkg:golang/stdlib@go1.22.1', 'pkg:golang/stdlib@1.22.1', 'golang|stdlib|1.22.1'],
    ['pkg:npm/%40babel/core@7.0.0', 'pkg:npm/@babel/core@7.0.0', 'npm|@babel/core|7.0.0'],
    ['pkg:deb/debian/zlib1g@1%3A1.2.13', 'pkg:deb/debian/zlib1g@1:1.2.13', 'deb|zlib1g|1:1.2.13'],
  ])('%s and %s are one', (a, b, key) => {
    const keyOf = (purl: string) =>
      packageKeyOf(toEnginePackage({ purl, type: '', name: '', version: '', paths: [] }));
    expect([keyOf(a), keyOf(b)]).toEqual([key, key]);
  });
});

it('a cluster is called by its lowest CVE, else by GitHub, else by the first', () => {
  expect(canonicalId(['GHSA-a', 'CVE-2024-10000', 'CVE-2024-9999'])).toBe('CVE-2024-9999');
  expect(canonicalId(['GO-1', 'GHSA-b', 'GHSA-a'])).toBe('GHSA-a');
  expect(canonicalId(['RUSTSEC-1', 'PYSEC-1'])).toBe('PYSEC-1');
});

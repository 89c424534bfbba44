import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { gitlabSchema } from '../../../../test/gitlab-report-schema.ts';
import type { Finding, ScanReport } from '../../../model/finding.ts';
import { writeGitlab } from './gitlab.ts';
import { writeJunit } from './junit.ts';

const hostile = 'x]]><script>"&\u0000\u001b[2J @all';
const finding = (key: string, id: string, more: Partial<Finding> = {}): Finding => ({
  key,
  id,
  aliases: [],
  advisories: [],
  title: hostile,
  pkg: { purl: 'pkg:deb/debian/a@1', type: 'deb', name: 'a', version: '1', locations: [] },
  claims: [],
  effective: { severity: 'negligible', reason: '' },
  fix: { available: true, versions: ['2'] },
  disposition: { kind: 'open' },
  ...more,
});
const waived = { disposition: { kind: 'accepted', statement: hostile } } as const;
const report = (digest: string, platform: string, more: Partial<ScanReport> = {}): ScanReport => ({
  schema: 'scan-report/v1',
  subject: { name: `127.0.0.1:5000/shop/web@sha256:${digest}`, digest: `sha256:${digest}`, platform },
  inventory: { digest: '', cataloguers: [], packages: 1, distribution: 'debian 12', problems: [] },
  engines: [
    {
      id: 'embedded',
      version: '1',
      lineage: [],
      outcome: 'ok',
      startedAt: '2026-11-24T12:00:00.250Z',
      finishedAt: '2026-11-24T12:00:07.999Z',
      durationMs: 7,
    },
  ],
  opinions: '',
  coverage: { packages: 1, byEcosystem: {}, withoutFeed: [] },
  findings: [finding('k1', 'CVE-2026-1', { aliases: ['GHSA-1'] }), finding('k2', 'CVE-2026-2', waived)],
  waivers: [],
  verdict: {
    status: 'deny',
    policyDigest: '',
    rules: [
      { id: 'vulnerabilities', result: 'fail', findings: ['k1'], reason: 'it blocks' },
      { id: 'engines', result: 'pass', findings: [] },
    ],
  },
  ...more,
});
const both = [report('1', 'linux/amd64'), report('2', 'linux/arm64')];
interface Written {
  readonly scan: { readonly status: string; readonly start_time: string; readonly end_time: string };
  readonly vulnerabilities: readonly {
    readonly id: string;
    readonly severity: string;
    readonly location: { readonly image: string; readonly default_branch_image: string };
  }[];
}
const write = (reports: readonly ScanReport[], image?: string) =>
  writeGitlab(reports, '1.0.0', image) as Written;

describe("GitLab's report of container scanning", () => {
  it('is what GitLab takes, of hostile advisories too', () => {
    const validate = new Ajv({ strict: true, allErrors: true }).compile(gitlabSchema);
    validate(write(both));
    expect(validate.errors ?? []).toEqual([]);
    validate(write([]));
    expect(validate.errors ?? []).toEqual([]);
    expect(JSON.stringify(write(both))).not.toMatch(/<script|@all|\\u00/);
  });

  it('is refused by our judge with times as JavaScript writes them', () => {
    const good = write(both);
    const wrong = { ...good, scan: { ...good.scan, end_time: '2026-11-24T12:00:07.999Z' } };
    expect(new Ajv().compile(gitlabSchema)(wrong)).toBe(false);
  });

  it('has what is open once for all platforms, in whole seconds', () => {
    const { scan, vulnerabilities } = write(both);
    expect(scan).toMatchObject({ start_time: '2026-11-24T12:00:00', end_time: '2026-11-24T12:00:07' });
    expect(vulnerabilities.map(({ severity }) => severity)).toEqual(['Info']);
  });

  it('names a flaw and its image the same at every digest', () => {
    const [one] = write([report('1', 'linux/amd64')]).vulnerabilities;
    const [other] = write([report('3', 'linux/amd64')]).vulnerabilities;
    expect(other).toEqual(one);
    expect(one?.location).toMatchObject({
      image: '127.0.0.1:5000/shop/web:scanned',
      default_branch_image: '127.0.0.1:5000/shop/web:scanned',
    });
    expect(write(both, 'web').vulnerabilities[0]?.location.image).toBe('web:scanned');
  });

  it.each(['oci:./some folder/web', 'sbom:web.cdx.json', '', 'ghcr.io/shop/web:1.4@sha256:1'])(
    'is taken about %s, and about a package without a name',
    name => {
      const pkg = { purl: '', type: 'deb', name: '@', version: '', locations: [] };
      const odd = report('1', 'linux/amd64', { subject: { name }, findings: [finding('k', '@', { pkg })] });
      const validate = new Ajv({ allErrors: true }).compile(gitlabSchema);
      validate(write([odd]));
      expect(validate.errors ?? []).toEqual([]);
    },
  );

  it('is a failure without a verdict about every platform, and without reports', () => {
    const open = report('2', 'linux/arm64', {
      verdict: { status: 'indeterminate', policyDigest: '', rules: [] },
    });
    expect(write(both).scan.status).toBe('success');
    expect(write([report('1', 'linux/amd64'), open]).scan.status).toBe('failure');
    expect(write([]).scan.status).toBe('failure');
  });
});

describe('JUnit of a scan', () => {
  it('has a suite for each platform and a case for each rule, blocking flaw and waiver', () => {
    const xml = writeJunit(both);
    expect(xml).toContain('<testsuites tests="6" failures="2" errors="0" skipped="2">');
    expect(xml).toContain('name="127.0.0.1:5000/shop/web@sha256:2 (linux/arm64)" tests="3" failures="1"');
    expect(xml).toContain('<testcase name="CVE-2026-1 in a 1" classname="vulnerabilities"><failure');
    expect(xml).toContain('<testcase name="engines" classname="rule"></testcase>');
    expect(writeJunit(both)).toBe(xml);
  });

  it('calls an engine that was not heard an error, and is never ended by an advisory', () => {
    const [engine] = both[0]?.engines ?? [];
    const engines = engine === undefined ? [] : [{ ...engine, outcome: 'timeout' as const, detail: hostile }];
    const xml = writeJunit([report('1', 'linux/amd64', { engines })]);
    expect(xml).toContain('errors="1"');
    expect(xml).toContain('classname="engine"><error message="timeout">');
    // oxlint-disable-next-line no-control-regex
    expect(xml).not.toMatch(/[\u0000\u001b]/);
    expect(xml.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>/g, '')).not.toMatch(/<script|\]\]>/);
  });
});

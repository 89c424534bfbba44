import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineStatus, Finding } from '../../model/finding.ts';
import type { EngineReport, EngineRun } from './engine.ts';
import { countOpinions, judge } from './judge.ts';
import { defaultScanPolicy, type ScanPolicy } from './policy.ts';

const at = new Date('2026-01-01T00:00:00Z');

function run(id: string, status: EngineStatus, more: Partial<EngineReport> = {}): EngineRun {
  const db = { lineage: id, version: '1', builtAt: at.toISOString() };
  const report: EngineReport = {
    version: '1',
    lineage: [id],
    db,
    findings: [],
    ignored: [],
    withoutFeed: [],
    ...more,
  };
  const outcome = status === 'ok' ? { status, report } : { status, detail: '', known: {} };
  return { id, startedAt: at, finishedAt: at, outcome };
}

const blocking: Finding = {
  key: 'CVE-2024-0001|npm/a|1',
  id: 'CVE-2024-0001',
  aliases: [],
  advisories: [],
  pkg: { purl: 'pkg:npm/a@1', type: 'npm', name: 'a', version: '1', locations: [] },
  claims: [
    {
      engine: 'trivy',
      id: 'CVE-2024-0001',
      severity: 'high',
      cvss: [],
      status: 'fixed',
      fixedIn: ['2'],
      matchType: 'exact',
      confidence: 'high',
    },
  ],
  effective: { severity: 'high', reason: '' },
  fix: { available: true, versions: ['2'] },
  disposition: { kind: 'open' },
};

function verdictOf(
  runs: readonly EngineRun[],
  findings: readonly Finding[] = [],
  policy: Partial<ScanPolicy> = {},
) {
  return judge({
    runs,
    findings,
    policy: { ...defaultScanPolicy, ...policy },
    silences: [],
    withoutFeed: [],
    packages: 5,
  });
}

const ok = [run('trivy', 'ok'), run('grype', 'ok')];

describe('the verdict', () => {
  it.each<[string, readonly EngineRun[], readonly Finding[], Partial<ScanPolicy>, string]>([
    ['two engines, nothing blocks', ok, [], {}, 'allow'],
    ['two engines, a flaw', ok, [blocking], {}, 'deny'],
    ['one of two engines', [run('trivy', 'ok')], [], {}, 'indeterminate remote'],
    ['one engine, and one is enough', [run('trivy', 'ok')], [], { requireEngines: 1 }, 'allow'],
    ['one that is not here beside enough others', [...ok, run('embedded', 'absent')], [], {}, 'allow'],
    [
      'one that failed beside enough others',
      [...ok, run('embedded', 'error')],
      [],
      {},
      'indeterminate remote',
    ],
    ['one with old data', [run('trivy', 'ok'), run('grype', 'stale-db')], [], {}, 'indeterminate remote'],
    [
      'one that cannot be trusted',
      [run('trivy', 'ok'), run('grype', 'bad-report')],
      [],
      {},
      'indeterminate trust',
    ],
    [
      'a flaw, whatever the other engine did',
      [run('trivy', 'ok'), run('grype', 'bad-report')],
      [blocking],
      {},
      'deny',
    ],
    ['no engine at all', [], [], { requireEngines: 0 }, 'indeterminate remote'],
    ['a medium flaw', ok, [{ ...blocking, effective: { severity: 'medium', reason: '' } }], {}, 'allow'],
    ['a flaw without a fix', ok, [{ ...blocking, fix: { available: false, versions: [] } }], {}, 'allow'],
    [
      'the same with --all',
      ok,
      [{ ...blocking, fix: { available: false, versions: [] } }],
      { fixableOnly: false },
      'deny',
    ],
    [
      'an exploited one without a fix',
      ok,
      [{ ...blocking, fix: { available: false, versions: [] }, kev: { dateAdded: '2024-01-01' } }],
      {},
      'deny',
    ],
    ['a waived flaw', ok, [{ ...blocking, disposition: { kind: 'accepted' } }], {}, 'allow'],
    ['one engine of two says it, and all must', ok, [blocking], { blockOn: 'all' }, 'allow'],
    [
      'the same database twice, where it must be two',
      [run('trivy', 'ok', { lineage: ['x'] }), run('embedded', 'ok', { lineage: ['x'] })],
      [],
      { independent: true },
      'indeterminate remote',
    ],
    [
      'an unverified program',
      [run('trivy', 'ok', { unverified: true }), run('grype', 'ok')],
      [],
      {},
      'indeterminate trust',
    ],
  ])('of %s', (_what, runs, findings, policy, expected) => {
    const { status, cause } = verdictOf(runs, findings, policy);
    expect([status, cause].filter(Boolean).join(' ')).toBe(expected);
  });

  it('says nothing good about an image in which no package was found', () => {
    const verdict = judge({
      runs: ok,
      findings: [],
      policy: defaultScanPolicy,
      silences: [],
      withoutFeed: [],
      packages: 0,
    });
    expect(verdict.status).toBe('indeterminate');
  });

  it('does not block by a guess alone', () => {
    const guess: Finding = {
      ...blocking,
      claims: blocking.claims.map(claim => ({ ...claim, confidence: 'low', matchType: 'cpe' })),
    };
    expect(verdictOf(ok, [guess]).status).toBe('allow');
  });

  it('never allows anything when an engine failed, in whatever company', () => {
    const failures = fc.constantFrom<EngineStatus>(
      'error',
      'timeout',
      'stale-db',
      'no-coverage',
      'bad-report',
      'untrusted-binary',
    );
    const statuses = fc.array(
      fc.oneof(fc.constant<EngineStatus>('ok'), fc.constant<EngineStatus>('absent'), failures),
      { maxLength: 4 },
    );
    const policies = fc.record({
      requireEngines: fc.integer({ min: 0, max: 3 }),
      independent: fc.boolean(),
      fixableOnly: fc.boolean(),
      kevBlocks: fc.boolean(),
    });
    fc.assert(
      fc.property(statuses, failures, fc.nat(4), policies, (others, failed, place, policy) => {
        const runs = others
          .toSpliced(place, 0, failed)
          .map((status, index) => run(`engine-${index}`, status));
        expect(verdictOf(runs, [], policy).status).toBe('indeterminate');
      }),
      { seed: 11, numRuns: 1_000 },
    );
  });
});

it('counts a database that stands behind two engines once', () => {
  expect(countOpinions([run('a', 'ok', { lineage: ['x', 'y'] }), run('b', 'ok', { lineage: ['x'] })])).toBe(
    1,
  );
  expect(
    countOpinions([
      run('a', 'ok', { lineage: ['x'] }),
      run('b', 'ok', { lineage: ['y'] }),
      run('c', 'error'),
    ]),
  ).toBe(2);
});

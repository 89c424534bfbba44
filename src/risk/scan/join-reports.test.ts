import { describe, expect, it } from 'vitest';
import type { Finding, ScanReport } from '../../model/finding.ts';
import { joinReports } from './join-reports.ts';

const engine = (id: string, finishedAt: string, outcome = 'ok') => ({ id, finishedAt, outcome });
const finding = (key: string, ...engines: readonly string[]) =>
  ({ key, claims: engines.map(name => ({ engine: name })) }) as unknown as Finding;
const report = (name: string, engines: readonly object[], findings: readonly Finding[]) =>
  ({ subject: { name, digest: name, platform: name }, engines, findings }) as unknown as ScanReport;

describe('the report about an index', () => {
  const joined = joinReports(
    [
      report('r/a@sha256:1', [engine('x', '2026-02'), engine('y', '2026-02')], [finding('1', 'x')]),
      report(
        'r/a@sha256:2',
        [engine('x', '2026-01'), engine('y', '2026-01', 'error')],
        [finding('1', 'y'), finding('2', 'x')],
      ),
    ],
    'sha256:0',
  );

  it('holds what was found in any platform, with everybody who said so', () => {
    expect(joined?.subject).toEqual({ name: 'r/a@sha256:0', digest: 'sha256:0' });
    expect(joined?.findings.map(({ key, claims }) => [key, claims.map(one => one.engine)])).toEqual([
      ['1', ['x', 'y']],
      ['2', ['x']],
    ]);
  });

  it('is as old as the oldest scan, and names only engines that were heard about all', () => {
    expect(joined?.engines).toEqual([engine('x', '2026-01')]);
  });

  it('is none about nothing', () => {
    expect(joinReports([], 'sha256:0')).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import type { Finding, ScanReport } from '../../../model/finding.ts';
import { compareFindings } from './new-findings.ts';

const finding = (id: string, more: object = {}) =>
  ({
    id,
    aliases: [],
    pkg: { name: 'a', version: '1' },
    effective: { severity: 'high' },
    fix: { available: true, versions: ['2'] },
    disposition: { kind: 'open' },
    ...more,
  }) as unknown as Finding;
const report = (...findings: readonly Finding[]) => ({ findings }) as unknown as ScanReport;
const compare = (reports: readonly ScanReport[], ...known: readonly string[]) =>
  compareFindings(reports, new Set(known));

describe('what a night found', () => {
  it('is new once, in however many platforms it is', () => {
    const { all, added } = compare([report(finding('C-1')), report(finding('C-1'), finding('C-0'))]);
    expect(all).toEqual(['C-0 a 1', 'C-1 a 1']);
    expect(added.map(({ id }) => id)).toEqual(['C-0', 'C-1']);
    expect(added[0]).toEqual({ id: 'C-0', severity: 'high', package: 'a', version: '1', fixedIn: ['2'] });
  });

  it('is not new when it was known under another of its names, and that one is not gone', () => {
    const { all, added, gone } = compare([report(finding('C-1', { aliases: ['GHSA-1'] }))], 'GHSA-1 a 1');
    expect({ all, added, gone }).toEqual({ all: ['C-1 a 1'], added: [], gone: [] });
  });

  it('is new in another version of its package', () => {
    const { added, gone } = compare(
      [report(finding('C-1', { pkg: { name: 'a', version: '2' } }))],
      'C-1 a 1',
    );
    expect([added.map(({ version }) => version), gone]).toEqual([['2'], ['C-1 a 1']]);
  });

  it('is gone when no platform has it, or somebody accepted it', () => {
    const accepted = finding('C-1', { disposition: { kind: 'accepted' } });
    const { all, added, gone } = compare([report(accepted), report()], 'C-2 a 1', 'C-1 a 1');
    expect({ all, added, gone }).toEqual({ all: [], added: [], gone: ['C-1 a 1', 'C-2 a 1'] });
  });
});

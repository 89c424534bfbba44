import { describe, expect, it } from 'vitest';
import { attestation } from '../../../../test/gate-evidence.ts';
import { predicateTypes } from '../../../model/statement.ts';
import type { Attestation } from './accept.ts';
import { latestScans, readScan } from './scans.ts';

const when = '2026-11-20T02:00:00Z';
function scanOf(
  result: unknown,
  scanner: object = {},
  type: string = predicateTypes.vuln,
  finished = when,
): Attestation {
  const predicate = {
    scanner: { uri: 'pkg:github/aquasecurity/trivy@0.74.0', ...scanner, result },
    metadata: { scanFinishedOn: finished },
  };
  return attestation(type, predicate) as Attestation;
}

it.each([
  ['Moderate', 'medium'],
  ['IMPORTANT', 'high'],
  ['Unknown', undefined],
])('a level that a vendor calls %s counts as %s', (word, severity) => {
  const result = { matches: [{ vulnerability: { id: 'CVE-2026-1', severity: word } }] };
  const statement = { predicate: { scanner: { result } } };
  const { findings } = readScan({ id: 'scan', statement } as unknown as Parameters<typeof readScan>[0]);
  expect(findings[0]?.severity).toBe(severity);
});

describe('a scan is read', () => {
  it('as Trivy writes it, with layers and fixes', () => {
    const vulnerability = {
      VulnerabilityID: 'CVE-1',
      PkgName: 'a',
      InstalledVersion: '1',
      FixedVersion: '2',
      Severity: 'CRITICAL',
      Layer: { DiffID: 'sha256:x' },
    };
    const scan = readScan(
      scanOf({
        SchemaVersion: 2,
        Results: [{ Target: 'a', Vulnerabilities: [vulnerability] }, { Target: 'b' }],
      }),
    );
    expect(scan).toMatchObject({ scanner: 'trivy', finishedOn: Date.parse(when) });
    expect(scan.findings).toEqual([
      { id: 'CVE-1', severity: 'critical', package: 'a', version: '1', fixedIn: '2', layers: ['sha256:x'] },
    ]);
    expect(readScan(scanOf({ SchemaVersion: 2 }))).toMatchObject({ findings: [] });
  });

  it('as Grype writes it; a fix counts only when its state says so', () => {
    const match = (state: string) => ({
      vulnerability: { id: 'CVE-1', severity: 'Negligible', fix: { versions: ['2'], state } },
      artifact: { name: 'a', version: '1', locations: [{ path: '/x', layerID: 'sha256:y' }] },
    });
    const descriptor = { name: 'grype', db: { status: { built: '2026-11-19T00:00:00Z' } } };
    const scan = readScan(
      scanOf(
        { matches: [match('fixed'), match('wont-fix')], descriptor },
        { uri: 'pkg:github/anchore/grype@0.90.0' },
      ),
    );
    expect(scan).toMatchObject({ scanner: 'grype', databaseOf: Date.parse('2026-11-19T00:00:00Z') });
    expect(scan.findings.map(({ severity, fixedIn }) => [severity, fixedIn])).toEqual([
      ['negligible', '2'],
      ['negligible', undefined],
    ]);
  });

  it('as our own report, whose waivers are not the opinion of the gate', () => {
    const finding = {
      id: 'CVE-1',
      effective: { severity: 'high' },
      pkg: { name: 'a', version: '1', layer: { diffId: 'sha256:z', inherited: true } },
      fix: { available: true, versions: ['2', '3'] },
      disposition: { kind: 'accepted' },
    };
    const scan = readScan(
      scanOf({ schema: 'scan-report/v1', findings: [finding] }, { uri: 'pkg:npm/cascadeguard@0.1.0' }),
    );
    expect(scan.scanner).toBe('cascadeguard');
    expect(scan.findings).toEqual([
      {
        id: 'CVE-1',
        severity: 'high',
        package: 'a',
        version: '1',
        fixedIn: '2, 3',
        layers: ['sha256:z'],
        inherited: true,
      },
    ]);
  });

  it('as an in-toto predicate with scores', () => {
    const severity = [
      { method: 'CVSSv3', score: '9.8' },
      { method: 'x', score: 'low' },
    ];
    const scan = readScan(scanOf([{ id: 'CVE-1', severity }], {}, predicateTypes.vulns));
    expect(scan.findings).toEqual([{ id: 'CVE-1', severity: 'critical', layers: [] }]);
  });

  it('not at all when it is of another form, and says why', () => {
    const problems = [
      {},
      7,
      null,
      'text',
      { Results: 7 },
      { matches: [{}] },
      { digest: 'sha256:x', size: 9 },
    ].map(result => readScan(scanOf(result)).problem);
    expect(problems.every(problem => problem !== undefined)).toBe(true);
    expect(problems.at(-1)).toContain('only the digest of its report');
  });

  it('by a name that is harmless in a command', () => {
    expect(readScan(scanOf([], { uri: 'pkg:x/$(rm -rf ~);a' })).scanner).toMatch(/^[A-Za-z0-9._-]+$/);
  });
});

describe('of several scans', () => {
  it('the newest of each scanner counts, and those that cannot be read count as well', () => {
    const trivy = (finished: string) => scanOf({ SchemaVersion: 2 }, {}, predicateTypes.vuln, finished);
    const older = trivy('2026-11-19T00:00:00Z');
    const newer = trivy('2026-11-20T00:00:00Z');
    const twin = trivy('2026-11-20T00:00:00Z');
    const unread = trivy('yesterday');
    const kept = latestScans([older, newer, twin, unread]).map(({ evidence }) => evidence);
    expect(kept.sort()).toEqual([newer.id, twin.id, unread.id].sort());
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ScannedWithRuns } from '../../scan-image.ts';
import { ScanFolderWriter } from './scan-folder.ts';
import { writeScanned } from './write-scanned.ts';

const digest = (at: number) => `sha256:${String(at).repeat(64)}`;
const report = (at: number, outcome: string, status: string) => ({
  subject: { name: `r/a@${digest(at)}`, digest: digest(at), indexDigest: digest(0), platform: `linux/${at}` },
  inventory: {},
  engines: [{ id: 'embedded', outcome, detail: 'late', startedAt: '2026-11-24', finishedAt: '2026-11-24' }],
  findings: [],
  verdict: { status, rules: [] },
});
const scanned = {
  schema: 'scan/v1',
  reference: `r/a@${digest(0)}`,
  verdict: { status: 'indeterminate' },
  reports: [report(1, 'ok', 'allow'), report(2, 'timeout', 'indeterminate')],
  runs: [],
} as unknown as ScannedWithRuns;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-scanned-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is one run of SARIF for all platforms, which says who was not heard about one of them', async () => {
  await writeScanned(scanned, new ScanFolderWriter(folder), { version: '1' });
  const { runs } = JSON.parse(readFileSync(join(folder, 'scan.sarif'), 'utf8'));
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({
    automationDetails: { id: 'cg/r/a/' },
    invocations: [
      {
        executionSuccessful: false,
        toolExecutionNotifications: [{ message: { text: 'embedded: timeout: late' } }],
      },
    ],
  });
  expect(readdirSync(folder).toSorted()).toEqual(['report.json', 'scan.sarif']);
});

it("has GitLab's reports when they are wanted", async () => {
  await writeScanned(scanned, new ScanFolderWriter(folder), { version: '1', gitlabReports: true });
  expect(readdirSync(folder).toSorted()).toEqual([
    'gl-container-scanning-report.json',
    'junit.xml',
    'report.json',
    'scan.sarif',
  ]);
  expect(readFileSync(join(folder, 'junit.xml'), 'utf8').match(/<testsuite /g)).toHaveLength(2);
});

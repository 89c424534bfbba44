import { expect, it } from 'vitest';
import type { ScanReport } from '../../model/finding.ts';
import { scanActions } from './actions.ts';

type Engine = ScanReport['engines'][number];
const engine = (id: string, outcome: Engine['outcome'], detail?: string) =>
  ({ id, outcome, ...(detail !== undefined && { detail }) }) as Engine;
const actionsOf = (...engines: Engine[]) =>
  scanActions({
    findings: [],
    engines,
    verdict: { status: 'indeterminate', rules: [] },
  } as unknown as ScanReport).map(({ what }) => what);

it('without a verdict names what keeps each engine from being heard, and not the cure of another', () => {
  expect(
    actionsOf(
      engine('trivy', 'error', 'signal SIGKILL\nmore'),
      engine('grype', 'stale-db'),
      engine('embedded', 'ok'),
    ),
  ).toEqual([
    'see why trivy failed: signal SIGKILL',
    'bring the data of grype up to date: grype db update',
    'accept what embedded says alone: --require 1-engine',
  ]);
  expect(
    actionsOf(engine('trivy', 'absent'), engine('grype', 'untrusted-binary'), engine('embedded', 'stale-db')),
  ).toEqual([
    'install trivy',
    'say that grype may run (cg tools lock grype), or name the other engines with --engine',
    'cg db update, or cg db import FOLDER',
  ]);
});

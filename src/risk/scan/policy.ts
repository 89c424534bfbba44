import { createHash } from 'node:crypto';
import type { Finding } from '../../model/finding.ts';
import { type Severity, severityRank } from '../../model/severity.ts';

/** What a scan must show before it allows anything. */
export interface ScanPolicy {
  /** How many engines must have looked. */
  readonly requireEngines: number;
  /** As many different advisory databases must stand behind them. */
  readonly independent: boolean;
  /** How many engines must agree before a finding blocks. */
  readonly blockOn: 'any' | 'all' | number;
  readonly threshold: Severity;
  /** A rebuild cannot remove what has no fix: it is reported and does not block. */
  readonly fixableOnly: boolean;
  /** What is known to be exploited blocks, whatever else holds. */
  readonly kevBlocks: boolean;
  /** Milliseconds. */
  readonly maxDbAge: number;
}

export const defaultScanPolicy: ScanPolicy = {
  requireEngines: 2,
  independent: false,
  blockOn: 'any',
  threshold: 'high',
  fixableOnly: true,
  kevBlocks: true,
  maxDbAge: 5 * 24 * 3_600_000,
};

export function digestPolicy(policy: ScanPolicy): string {
  const sorted = Object.fromEntries(Object.entries(policy).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `sha256:${createHash('sha256').update(JSON.stringify(sorted)).digest('hex')}`;
}

/** Why a finding blocks; undefined when it does not. */
export function blockReason(
  finding: Finding,
  policy: ScanPolicy,
  enginesHeard: number,
): 'severity' | 'kev' | undefined {
  if (finding.disposition.kind !== 'open') return undefined;
  const certain = finding.claims.filter(({ confidence }) => confidence === 'high').length;
  const needed = policy.blockOn === 'any' ? 1 : policy.blockOn === 'all' ? enginesHeard : policy.blockOn;
  if (certain < Math.max(1, needed)) return undefined;
  if (policy.kevBlocks && finding.kev !== undefined) return 'kev';
  if (policy.fixableOnly && !finding.fix.available) return undefined;
  return severityRank(finding.effective.severity) >= severityRank(policy.threshold) ? 'severity' : undefined;
}

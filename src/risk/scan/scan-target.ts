import { createHash } from 'node:crypto';
import type {
  Finding,
  ScanCoverage,
  ScanEngineRun,
  ScanReport,
  ScanSubject,
  ScanVerdict,
} from '../../model/finding.ts';
import type { Inventory } from '../../model/inventory.ts';
import { isSystemType } from '../advisories/feeds.ts';
import { countFeeds } from '../advisories/match.ts';
import {
  type EngineOptions,
  type EngineRun,
  type Heard,
  runEngine,
  type ScanEngine,
  type ScanTarget,
} from './engine.ts';
import { countOpinions, judge } from './judge.ts';
import { isKernelHeaders } from './merge/disagree.ts';
import { mergeFindings } from './merge/merge.ts';
import type { ScanPolicy } from './policy.ts';
import { findSilences } from './silence.ts';
import { applyVex, type VexStatement } from './vex.ts';
import { applyWaivers, type Waiver } from './waivers.ts';

export interface ScanRequest extends EngineOptions {
  readonly subject: ScanSubject;
  readonly target: ScanTarget;
  readonly engines: readonly ScanEngine[];
  readonly policy: ScanPolicy;
  readonly waivers?: readonly Waiver[];
  readonly vex?: readonly VexStatement[];
  /** How many findings each engine had for the same image before. */
  readonly previous?: Readonly<Record<string, number>>;
  readonly onEngine?: (run: EngineRun) => void;
}

export interface Scanned {
  readonly report: ScanReport;
  /** The engines' own reports, for evidence. */
  readonly runs: readonly EngineRun[];
}

/** Runs every engine over one image, merges what they say, and judges it. */
export async function scanTarget(request: ScanRequest): Promise<Scanned> {
  const runs: EngineRun[] = [];
  // One after the other: two scanners at once take twice the memory, and their caches do not like company.
  for (const engine of request.engines) {
    const run = await runEngine(engine, request.target, { ...request, maxDbAge: request.policy.maxDbAge });
    request.onEngine?.(run);
    runs.push(run);
  }
  return { report: assembleReport(request, runs), runs };
}

/** What follows from what the engines said: the same again for whoever was not there. */
export function assembleReport(
  request: Pick<ScanRequest, 'subject' | 'policy' | 'waivers' | 'vex' | 'clock' | 'previous'> & {
    readonly target: Pick<ScanTarget, 'inventory'>;
  },
  runs: readonly EngineRun[],
): ScanReport {
  const { subject, policy } = request;
  const { inventory } = request.target;
  const heard = runs.flatMap(({ id, outcome }): Heard[] =>
    outcome.status === 'ok' ? [{ engine: id, report: outcome.report }] : [],
  );
  const merged = mergeFindings(heard, inventory).map(suppress);
  const waived = applyWaivers(merged, request.waivers ?? [], {
    now: request.clock.now(),
    image: subject.name,
  });
  const findings = applyVex(waived.findings, request.vex ?? [], subject);
  const coverage = coverageOf(inventory, heard);
  const opinions = countOpinions(runs);
  const verdict: ScanVerdict = judge({
    runs,
    findings,
    policy,
    silences: findSilences(runs, request.previous ?? {}),
    withoutFeed: coverage.withoutFeed,
    packages: coverage.packages,
  });
  return {
    schema: 'scan-report/v1',
    subject,
    inventory: describeInventory(inventory),
    engines: runs.map(describeRun),
    opinions: `${opinions} of ${Math.max(2, policy.requireEngines, opinions)} independent opinions`,
    coverage,
    findings,
    waivers: waived.notes,
    verdict,
  };
}

/** Our own rules for what is no flaw of the image; hidden is nothing, the finding says why it does not count. */
function suppress(finding: Finding): Finding {
  const { pkg } = finding;
  const statement = isKernelHeaders(pkg)
    ? 'headers hold no code of the kernel'
    : pkg.ownedBy !== undefined && !isSystemType(pkg.type)
      ? `its files belong to ${pkg.ownedBy.split('|').slice(1).join(' ')}, whose distributor looks after them`
      : undefined;
  return statement === undefined
    ? finding
    : { ...finding, disposition: { kind: 'suppressed', by: 'cg', statement } };
}

function coverageOf(inventory: Inventory, heard: readonly Heard[]): ScanCoverage {
  const byEcosystem = Object.fromEntries([...countFeeds(inventory)].sort(([a], [b]) => (a < b ? -1 : 1)));
  const lists = heard.map(({ report }) => report.withoutFeed);
  const [first = [], ...others] = lists;
  const missing =
    heard.length === 0
      ? Object.keys(byEcosystem)
      : first.filter(feed => others.every(list => list.includes(feed)));
  return { packages: inventory.packages.length, byEcosystem, withoutFeed: missing.toSorted() };
}

function describeInventory(inventory: Inventory): ScanReport['inventory'] {
  const { distribution, cataloguers, packages, problems } = inventory;
  const name =
    distribution === undefined
      ? undefined
      : [distribution.id, distribution.versionId].filter(Boolean).join(' ');
  return {
    digest: `sha256:${createHash('sha256').update(JSON.stringify(packages)).digest('hex')}`,
    cataloguers,
    packages: packages.length,
    ...(name !== undefined && { distribution: name }),
    problems: problems.map(({ cataloguer, path, message }) => `${cataloguer}: ${path}: ${message}`),
  };
}

function describeRun({ id, startedAt, finishedAt, outcome }: EngineRun): ScanEngineRun {
  const known = outcome.status === 'ok' ? outcome.report : outcome.known;
  const packages = known.packages?.length;
  return {
    id,
    version: known.version ?? '',
    ...(known.binaryDigest !== undefined && { binaryDigest: known.binaryDigest }),
    lineage: known.lineage ?? [],
    ...(known.db !== undefined && { db: known.db }),
    outcome: outcome.status,
    ...(known.unverified === true && { unverified: true as const }),
    ...(outcome.status !== 'ok' && { detail: outcome.detail }),
    ...(packages !== undefined && { packages }),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    durationMs: finishedAt.getTime() - startedAt.getTime(),
    ...(known.raw !== undefined && {
      rawDigest: `sha256:${createHash('sha256').update(known.raw).digest('hex')}`,
    }),
    ...(known.argv !== undefined && { argv: known.argv }),
  };
}

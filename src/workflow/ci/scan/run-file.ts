import * as z from 'zod';
import type { Clock } from '../../../model/clock.ts';
import type { EngineStatus, FixStatus } from '../../../model/finding.ts';
import type { Inventory } from '../../../model/inventory.ts';
import { severities } from '../../../model/severity.ts';
import {
  believeReport,
  EngineFailure,
  type EngineReport,
  type EngineRun,
  type ScanTarget,
} from '../../../risk/scan/engine.ts';
import { parseGrypeReport } from '../../../risk/scan/engines/grype-report.ts';
import { parseTrivyReport } from '../../../risk/scan/engines/trivy-report.ts';
import { engineNames } from '../../scan/open-engines.ts';

const statuses = [
  'absent',
  'error',
  'timeout',
  'stale-db',
  'no-coverage',
  'bad-report',
  'untrusted-binary',
] as const satisfies readonly Exclude<EngineStatus, 'ok'>[];
const fixes = [
  'unknown',
  'not_affected',
  'affected',
  'fixed',
  'under_investigation',
  'will_not_fix',
  'fix_deferred',
  'end_of_life',
] as const satisfies readonly FixStatus[];

const text = z.string().max(100_000);
const texts = z.array(text).max(1_000_000);
const Source = z.strictObject({ name: text, version: text });
const Found = z.strictObject({
  id: text.min(1),
  aliases: texts,
  covers: texts.optional(),
  bundles: texts,
  pkg: z.strictObject({
    type: text,
    name: text,
    version: text,
    purl: text,
    paths: texts,
    source: Source.optional(),
  }),
  severity: z.enum(severities),
  severitySource: text.optional(),
  cvss: z.array(z.strictObject({ version: text, vector: text, score: z.number() })),
  status: z.enum(fixes),
  fixedIn: texts,
  matchType: z.enum(['exact', 'indirect', 'cpe', 'symbol']),
  title: text.optional(),
  published: text.optional(),
  epss: z.strictObject({ score: z.number(), percentile: z.number(), date: text }).optional(),
  kev: z.strictObject({ dateAdded: text, dueDate: text.optional() }).optional(),
  risk: z.number().optional(),
});
const Database = z.strictObject({
  lineage: text,
  version: text,
  builtAt: text,
  digest: text.optional(),
  uri: text.optional(),
});
const Report = z.strictObject({
  version: text,
  binaryDigest: text.optional(),
  unverified: z.literal(true).optional(),
  lineage: texts,
  db: Database,
  findings: z.array(Found).max(1_000_000),
  ignored: z.array(Found).max(1_000_000),
  packages: texts.optional(),
  withoutFeed: texts,
  argv: texts.optional(),
});
const Moment = z.iso.datetime();

/** One engine over one image, as the scan leaves it. Its own report, where it wrote one, lies beside it. */
export const RunFile = z.strictObject({
  id: z.enum(engineNames),
  startedAt: Moment,
  finishedAt: Moment,
  status: z.enum(['ok', ...statuses]),
  detail: text.optional(),
  report: Report.optional(),
  raw: z.string().optional(),
});
export type RunFile = z.infer<typeof RunFile>;

export function toRunFile({ id, startedAt, finishedAt, outcome }: EngineRun, raw?: string): RunFile {
  const { raw: _raw, ...said } = outcome.status === 'ok' ? outcome.report : { raw: undefined };
  const file = {
    id,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    status: outcome.status,
    ...(outcome.status === 'ok' ? { report: said } : { detail: outcome.detail.slice(0, 10_000) }),
    ...(raw !== undefined && { raw }),
  };
  return RunFile.parse(JSON.parse(JSON.stringify(file)));
}

/** A program whose own report lies beside what is said of it. */
export type ProgramRunFile = RunFile & { readonly id: 'trivy' | 'grype' };

/** What a program says, read anew from its own report; whether its data are fresh enough is looked at again too. */
export function toEngineRun(
  file: ProgramRunFile,
  raw: Buffer | undefined,
  o: {
    readonly inventory: Inventory;
    readonly digest: string;
    readonly clock: Clock;
    readonly maxDbAge: number;
  },
): EngineRun {
  const times = { startedAt: new Date(file.startedAt), finishedAt: new Date(file.finishedAt) };
  return { id: file.id, ...times, outcome: judgeOutcome(file, raw, o) };
}

function judgeOutcome(
  { id, status, detail = '', report }: ProgramRunFile,
  raw: Buffer | undefined,
  o: Parameters<typeof toEngineRun>[2],
): EngineRun['outcome'] {
  if (status !== 'ok') return { status, detail, known: {} };
  if (report === undefined) return { status: 'bad-report', detail: 'it says nothing', known: {} };
  const said = report as EngineReport;
  // A layout makes the readers ask whether the report is about this image.
  const target = { inventory: o.inventory, layout: { folder: '', digest: o.digest } };
  try {
    const read = { ...said, ...readRaw(id, raw, target), ...(raw && { raw }) };
    return believeReport(read, target, o);
  } catch (error) {
    if (error instanceof EngineFailure)
      return { status: error.status, detail: error.message, known: error.known };
    throw error;
  }
}

function readRaw(id: 'trivy' | 'grype', raw: Buffer | undefined, target: ScanTarget): Partial<EngineReport> {
  let json: unknown;
  try {
    json = JSON.parse(raw?.toString('utf8') ?? '');
  } catch {
    throw new EngineFailure('bad-report', 'its own report is missing, or not JSON');
  }
  return id === 'trivy' ? parseTrivyReport(json, target) : parseGrypeReport(json, target);
}

import { Fault } from '../../ground/fault/fault.ts';
import type { Clock } from '../../model/clock.ts';
import type { CvssScore, DatabaseIdentity, EngineStatus, FixStatus } from '../../model/finding.ts';
import type { Inventory } from '../../model/inventory.ts';
import type { Severity } from '../../model/severity.ts';

/** The one image that every engine looks at. */
export interface ScanTarget {
  readonly inventory: Inventory;
  /** An OCI layout whose index names exactly this image; absent when only an inventory is known. */
  readonly layout?: { readonly folder: string; readonly digest: string };
  /** An SBOM that another program can read. */
  readonly sbomFile?: string;
}

export interface EngineOptions {
  readonly clock: Clock;
  readonly timeLimit: number;
  readonly signal?: AbortSignal;
}

/** One match as an engine reported it; nothing is decided yet. */
export interface EngineFinding {
  readonly id: string;
  /** Other names of the same vulnerability. */
  readonly aliases: readonly string[];
  /** What an advisory that bundles vulnerabilities covers; such an advisory is never an alias. */
  readonly covers?: readonly string[];
  readonly bundles: readonly string[];
  readonly pkg: EnginePackage;
  readonly severity: Severity;
  readonly severitySource?: string;
  readonly cvss: readonly CvssScore[];
  readonly status: FixStatus;
  readonly fixedIn: readonly string[];
  readonly matchType: 'exact' | 'indirect' | 'cpe' | 'symbol';
  readonly title?: string;
  readonly published?: string;
  readonly epss?: { readonly score: number; readonly percentile: number; readonly date: string };
  readonly kev?: { readonly dateAdded: string; readonly dueDate?: string };
  readonly risk?: number;
}

export interface EnginePackage {
  readonly type: string;
  /** Inside its ecosystem, as packageName gives it. */
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly paths: readonly string[];
  readonly source?: { readonly name: string; readonly version: string };
}

export interface EngineReport {
  readonly version: string;
  readonly binaryDigest?: string;
  readonly unverified?: true;
  readonly lineage: readonly string[];
  readonly db: DatabaseIdentity;
  readonly findings: readonly EngineFinding[];
  /** What the engine's own rules hid. */
  readonly ignored: readonly EngineFinding[];
  /** Keys of the packages that it saw, when it says. */
  readonly packages?: readonly string[];
  /** Ecosystems of the image for which its data hold nothing, when it can tell. */
  readonly withoutFeed: readonly string[];
  /** As it wrote them. */
  readonly raw?: Buffer;
  readonly argv?: readonly string[];
}

/** A report that is to be believed, under the engine's name. */
export interface Heard {
  readonly engine: string;
  readonly report: EngineReport;
}

/** Looks an image up in advisories. It reports or it throws an EngineFailure; it never decides. */
export interface ScanEngine {
  readonly id: string;
  /** It reads the image itself, not only our list of what is in it. */
  readonly needsLayout?: boolean;
  scan(target: ScanTarget, o: EngineOptions): Promise<EngineReport>;
  /** Nobody will ask it any more. */
  close?(): void;
}

/** Why an engine has nothing to say. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
  readonly status: Exclude<EngineStatus, 'ok'>;
  /** What is known of the engine nevertheless. */
  readonly known: Partial<EngineReport>;

  constructor(status: Exclude<EngineStatus, 'ok'>, detail: string, known: Partial<EngineReport> = {}) {
    super(detail);
    this.status = status;
    this.known = known;
  }
}

export interface EngineRun {
  readonly id: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome:
    | { readonly status: 'ok'; readonly report: EngineReport }
    | {
        readonly status: Exclude<EngineStatus, 'ok'>;
        readonly detail: string;
        readonly known: Partial<EngineReport>;
      };
}

/** Runs an engine to an outcome. Whatever goes wrong in it is an outcome too; only an interruption is thrown. */
export async function runEngine(
  engine: ScanEngine,
  target: ScanTarget,
  o: EngineOptions & { readonly maxDbAge: number },
): Promise<EngineRun> {
  const startedAt = o.clock.now();
  const outcome = await judgeReport(engine, target, o);
  o.signal?.throwIfAborted();
  return { id: engine.id, startedAt, finishedAt: o.clock.now(), outcome };
}

async function judgeReport(
  engine: ScanEngine,
  target: ScanTarget,
  o: EngineOptions & { readonly maxDbAge: number },
): Promise<EngineRun['outcome']> {
  try {
    const report = await engine.scan(target, o);
    return believeReport(report, target, o);
  } catch (error) {
    if (error instanceof EngineFailure)
      return { status: error.status, detail: error.message, known: error.known };
    const isTrust = error instanceof Fault && error.kind === 'trust';
    const detail = error instanceof Error ? error.message : String(error);
    return { status: isTrust ? 'bad-report' : 'error', detail, known: {} };
  }
}

/** The outcome of a report that could be read: one with old data, or about nothing, says nothing. */
export function believeReport(
  report: EngineReport,
  target: Pick<ScanTarget, 'inventory'>,
  o: { readonly clock: Clock; readonly maxDbAge: number },
): EngineRun['outcome'] {
  const problem = problemOf(report, target, o);
  return problem === undefined ? { status: 'ok', report } : { ...problem, known: report };
}

/** A clock that is a little off is no fault of the data. */
const skew = 3_600_000;

function problemOf(
  report: EngineReport,
  { inventory }: Pick<ScanTarget, 'inventory'>,
  o: { readonly clock: Clock; readonly maxDbAge: number },
): { readonly status: 'stale-db' | 'no-coverage' | 'bad-report'; readonly detail: string } | undefined {
  const built = Date.parse(report.db.builtAt);
  const age = o.clock.now().getTime() - built;
  if (Number.isNaN(built)) return { status: 'stale-db', detail: 'nothing says how old its advisories are' };
  if (age > o.maxDbAge || age < -skew) {
    const days = Math.floor(Math.abs(age) / 86_400_000);
    const shown = age < 0 ? `${days} days in the future` : `${days} days old`;
    return { status: 'stale-db', detail: `its advisories are of ${report.db.builtAt}, ${shown}` };
  }
  if (report.packages !== undefined && report.packages.length === 0 && inventory.packages.length > 0) {
    const detail = `it lists no packages where the image has ${inventory.packages.length}`;
    return { status: 'bad-report', detail };
  }
  return undefined;
}

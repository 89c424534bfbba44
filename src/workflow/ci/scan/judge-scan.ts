import { resolve } from 'node:path';
import { readWaivers } from '../../../config/waivers-file.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { open, registriesOf, toLocation } from '../../../image/oci/open.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import { type ScanReport, type ScanVerdict, worstVerdict } from '../../../model/finding.ts';
import type { Inventory } from '../../../model/inventory.ts';
import { type EngineRun, runEngine, type ScanEngine } from '../../../risk/scan/engine.ts';
import { defaultScanPolicy, type ScanPolicy } from '../../../risk/scan/policy.ts';
import { assembleReport } from '../../../risk/scan/scan-target.ts';
import type { Waiver } from '../../../risk/scan/waivers.ts';
import { listContents } from '../../list-contents.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { openEmbedded } from '../../scan/open-engines.ts';
import { readScanSettings } from '../../scan/scan-settings.ts';
import { listImages } from '../../scan-image.ts';
import { digestOf } from '../handover.ts';
import { type ProgramRunFile, type RunFile, toEngineRun } from './run-file.ts';
import { readScanFile, readScanFolder, type ScanFolder } from './scan-folder.ts';

export interface JudgeScan extends ReachOptions {
  readonly cwd: string;
  readonly ref: string;
  /** The folder that the scan left. */
  readonly scan: string;
  readonly clock?: Clock;
  /** Where cg db keeps the index of this machine. */
  readonly database?: string;
  readonly version: string;
}

export interface JudgedScan {
  readonly folder: ScanFolder;
  readonly verdict: Pick<ScanVerdict, 'status' | 'cause'>;
  readonly images: readonly JudgedImage[];
}

export interface JudgedImage {
  readonly digest: string;
  readonly report: ScanReport;
  readonly runs: readonly EngineRun[];
  readonly inventory: Inventory;
}

/** A clock that is a little off is no lie. */
const skew = 3_600_000;

/**
 * Judges a scan again: what the programs reported, under the thresholds and the waivers of this checkout, about packages
 * that are listed here anew, and about every image that the digest holds. The embedded engine is asked here, and what
 * the folder says of it is not read. Nothing that the folder concludes counts, unless it is against the image.
 */
export async function judgeScan(o: JudgeScan): Promise<JudgedScan> {
  const path = resolve(o.cwd, o.scan);
  const folder = await readScanFolder(path, o.ref);
  const platforms = await requireWhole(folder, o);
  const project = await readScanSettings(o);
  const policy = { ...defaultScanPolicy, ...project.policy };
  const waivers = (await readWaivers(project.waiversFile, o.cwd)) as readonly Waiver[];
  const clock = o.clock ?? systemClock;
  const embedded = await openEmbedded({ ...o, clock });
  const images: JudgedImage[] = [];
  try {
    for (const image of folder.images) {
      const { digest } = image;
      const name = `${o.ref.replace(/@.*$/, '')}@${digest}`;
      const inventory = await listContents({ ...o, target: name });
      const runs = await gatherRuns(image.runs, embedded, { ...o, folder, inventory, digest, policy, clock });
      const platform = platforms.get(digest) ?? inventory.subject.platform;
      const subject = {
        name,
        digest,
        ...(digest !== digestOf(o.ref) && { indexDigest: digestOf(o.ref) }),
        ...(platform !== undefined && { platform }),
      };
      const report = assembleReport({ subject, target: { inventory }, policy, waivers, clock }, runs);
      images.push({ digest, report, runs, inventory });
    }
  } finally {
    embedded.close?.();
  }
  return {
    folder,
    verdict: worseOf(worstVerdict(images.map(({ report }) => report.verdict)), folder),
    images,
  };
}

/** What the programs left, read anew; and what our own matching says here and now. */
async function gatherRuns(
  files: readonly RunFile[],
  embedded: ScanEngine,
  o: JudgeScan & {
    readonly folder: ScanFolder;
    readonly inventory: Inventory;
    readonly digest: string;
    readonly policy: ScanPolicy;
    readonly clock: Clock;
  },
): Promise<readonly EngineRun[]> {
  const path = resolve(o.cwd, o.scan);
  const { maxDbAge } = o.policy;
  const runs: EngineRun[] = [];
  for (const file of files.filter(isOfProgram)) {
    const raw = file.raw === undefined ? undefined : await readScanFile(path, file.raw, o.folder);
    runs.push(toEngineRun(file, raw, { ...o, maxDbAge }));
  }
  refuseStrange(files, runs, path, o.clock);
  const timeLimit = 15 * 60_000;
  const { inventory, clock } = o;
  const own = await runEngine(
    embedded,
    { inventory },
    { clock, timeLimit, maxDbAge, ...(o.signal !== undefined && { signal: o.signal }) },
  );
  return [...runs, own];
}

function isOfProgram(file: RunFile): file is ProgramRunFile {
  return file.id !== 'embedded';
}

/** A scanner that was taken over must not leave out one platform, or have anything else attested. */
async function requireWhole(
  folder: ScanFolder,
  o: JudgeScan,
): Promise<ReadonlyMap<string, string | undefined>> {
  const location = toLocation(o.ref);
  const wanted = await reachRegistries(o, registriesOf(location), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry, reference } = await open(location, access, call);
    const { descriptor } = await registry.manifest(reference, call);
    const images = await listImages(registry, descriptor, call);
    return new Map<string, string | undefined>(images.map(({ digest, platform }) => [digest, platform]));
  });
  const digests = [...wanted.keys()];
  const said = folder.images.map(({ digest }) => digest);
  const isSame = new Set(said).size === said.length && said.toSorted().join() === digests.toSorted().join();
  if (isSame) return wanted;
  throw new Fault('RESULTS_UNTRUSTED', {
    what: 'the scan is not about all images of the digest and no others',
    where: resolve(o.cwd, o.scan),
    expected: digests.join(', '),
    actual: said.join(', ').slice(0, 1000) || 'none',
    next: `cg ci scan ${o.ref} --image NAME --out FOLDER`,
  });
}

function refuseStrange(
  files: readonly RunFile[],
  runs: readonly EngineRun[],
  where: string,
  clock: Clock,
): void {
  const isTwice = new Set(files.map(({ id }) => id)).size !== files.length;
  const latest = clock.now().getTime() + skew;
  const isEarly = runs.some(
    ({ startedAt, finishedAt }) => finishedAt < startedAt || finishedAt.getTime() > latest,
  );
  if (!isTwice && !isEarly) return;
  throw new Fault('RESULTS_UNTRUSTED', {
    what: isTwice ? 'an engine speaks twice of one image' : 'a scan ended at a time that cannot be',
    where,
    next: 'run the scan again: cg ci scan',
  });
}

/** What the scan itself had against the image still holds: it may know more, as how much it found the last time. */
function worseOf(
  judged: Pick<ScanVerdict, 'status' | 'cause'>,
  { status, cause }: ScanFolder,
): Pick<ScanVerdict, 'status' | 'cause'> {
  const isNoBetter = judged.status === 'indeterminate' && status === 'indeterminate';
  if (judged.status === 'deny' || status === 'allow' || isNoBetter) return judged;
  return { status, ...(cause !== undefined && { cause }) };
}

import { resolve } from 'node:path';
import { readWaivers } from '../../../config/waivers-file.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { open, registriesOf, toLocation } from '../../../image/oci/open.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import { type ScanReport, type ScanVerdict, worstVerdict } from '../../../model/finding.ts';
import type { Inventory } from '../../../model/inventory.ts';
import type { EngineRun } from '../../../risk/scan/engine.ts';
import { defaultScanPolicy } from '../../../risk/scan/policy.ts';
import { assembleReport } from '../../../risk/scan/scan-target.ts';
import type { Waiver } from '../../../risk/scan/waivers.ts';
import { listContents } from '../../list-contents.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { readScanSettings } from '../../scan/scan-settings.ts';
import { listImages } from '../../scan-image.ts';
import { digestOf } from '../handover.ts';
import { toEngineRun } from './run-file.ts';
import { readScanFile, readScanFolder, type ScanFolder } from './scan-folder.ts';

export interface JudgeScan extends ReachOptions {
  readonly cwd: string;
  readonly ref: string;
  /** The folder that the scan left. */
  readonly scan: string;
  readonly clock?: Clock;
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
 * Judges a scan again: what the engines said, under the thresholds and the waivers of this checkout, about packages
 * that are listed here anew, and about every image that the digest holds. Nothing that the folder concludes counts,
 * unless it is against the image.
 */
export async function judgeScan(o: JudgeScan): Promise<JudgedScan> {
  const path = resolve(o.cwd, o.scan);
  const folder = await readScanFolder(path, o.ref);
  const repository = o.ref.replace(/@.*$/, '');
  await requireWhole(folder, o);
  const project = await readScanSettings(o);
  const policy = { ...defaultScanPolicy, ...project.policy };
  const waivers = (await readWaivers(project.waiversFile, o.cwd)) as readonly Waiver[];
  const clock = o.clock ?? systemClock;
  const images: JudgedImage[] = [];
  for (const { digest, platform, runs: files } of folder.images) {
    const name = `${repository}@${digest}`;
    const inventory = await listContents({ ...o, target: name });
    const runs: EngineRun[] = [];
    for (const file of files) {
      const raw = file.raw === undefined ? undefined : await readScanFile(path, file.raw, folder);
      runs.push(toEngineRun(file, raw, { inventory, digest, clock, maxDbAge: policy.maxDbAge }));
    }
    refuseStrange(runs, path, clock);
    const isPart = digest !== digestOf(o.ref);
    const subject = {
      name,
      digest,
      ...(isPart && { indexDigest: digestOf(o.ref) }),
      ...(platform !== undefined && { platform }),
    };
    const report = assembleReport({ subject, target: { inventory }, policy, waivers, clock }, runs);
    images.push({ digest, report, runs, inventory });
  }
  return {
    folder,
    verdict: worseOf(worstVerdict(images.map(({ report }) => report.verdict)), folder),
    images,
  };
}

/** A scanner that was taken over must not leave out one platform, or have anything else attested. */
async function requireWhole(folder: ScanFolder, o: JudgeScan): Promise<void> {
  const location = toLocation(o.ref);
  const wanted = await reachRegistries(o, registriesOf(location), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry, reference } = await open(location, access, call);
    const { descriptor } = await registry.manifest(reference, call);
    return (await listImages(registry, descriptor, call)).map(({ digest }) => digest);
  });
  const said = folder.images.map(({ digest }) => digest);
  const isSame = new Set(said).size === said.length && said.toSorted().join() === wanted.toSorted().join();
  if (isSame) return;
  throw new Fault('RESULTS_UNTRUSTED', {
    what: 'the scan is not about all images of the digest and no others',
    where: resolve(o.cwd, o.scan),
    expected: wanted.join(', '),
    actual: said.join(', ').slice(0, 1000) || 'none',
    next: `cg ci scan ${o.ref} --image NAME --out FOLDER`,
  });
}

function refuseStrange(runs: readonly EngineRun[], where: string, clock: Clock): void {
  const isTwice = new Set(runs.map(({ id }) => id)).size !== runs.length;
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

import { join, resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import type { ScanReport } from '../../../model/finding.ts';
import type { GateOptions } from '../../gate-image.ts';
import type { DeploymentChoice } from '../../gitops/environments.ts';
import { type ScanImage, type ScannedWithRuns, scanImage } from '../../scan-image.ts';
import { ScanFolderWriter } from '../scan/scan-folder.ts';
import { reasonsOf } from '../scan/scan-reasons.ts';
import { writeScanned } from '../scan/write-scanned.ts';
import { refuseSigningCredentials } from '../stage-credentials.ts';
import { type DeployedImage, findDeployed } from './deployed-images.ts';
import { attestedFindings, type ImageEvidence, readEvidence, requireSignature } from './image-evidence.ts';
import { KnownFindings } from './known-findings.ts';
import { compareFindings } from './new-findings.ts';
import {
  fileNameOf,
  type Rescanned,
  type RescannedImage,
  type RescanReport,
  writeRescanReport,
} from './rescan-report.ts';
import { isPublished, listPlatforms, scanSboms } from './scan-deployed.ts';

export type { RescanReport } from './rescan-report.ts';

export interface RescanStage
  extends Omit<GateOptions, 'clock' | 'env' | 'cwd'>,
    Omit<DeploymentChoice, 'signal'>,
    Pick<ScanImage, 'clock' | 'version' | 'database'> {
  /** Each must be signed by somebody whom the policy of its environments believes. */
  readonly verifySignatures: boolean;
  /** Match the signed lists of what is in them; the images themselves are not read. */
  readonly fromSbom: boolean;
  readonly out: string;
  /** Where what is known of images is kept; `.cascadeguard` without it. */
  readonly stateDir?: string;
  readonly onImage?: (image: string) => void;
}

/**
 * Scans what environments run, with the advisories of today. Findings are no failure here: they are told. An image that
 * could not be verified or scanned is named, and the others are looked at all the same.
 */
export async function rescanStage(o: RescanStage): Promise<RescanReport> {
  refuseSigningCredentials('rescan', o.env);
  const out = resolve(o.cwd, o.out);
  await makeFolder(out);
  const known = await KnownFindings.open(resolve(o.cwd, o.stateDir ?? '.cascadeguard'));
  const { images, ...source } = await findDeployed(o);
  const rescanned: Rescanned[] = [];
  const idle: string[] = [];
  for (const image of images) {
    o.onImage?.(image.image);
    const one = await rescan(image, known, { ...o, out });
    if (one === 'idle') idle.push(image.image);
    else rescanned.push(one);
  }
  await known.save();
  return await writeRescanReport(out, { ...source, idle }, rescanned, o.version);
}

type Problem = RescannedImage['problems'][number];

async function rescan(
  deployed: DeployedImage,
  known: KnownFindings,
  o: RescanStage,
): Promise<Rescanned | 'idle'> {
  const { image, environments } = deployed;
  const problems: Problem[] = [];
  const found = await attempt(problems, o, () => look(deployed, problems, o));
  if (found === 'idle') return found;
  const about = { image, environments, problems };
  if (found === undefined) {
    known.keep(image);
    const nothing = { reasons: [], findings: 0, added: [], gone: [] };
    return { image: { ...about, status: 'indeterminate', ...nothing }, reports: [] };
  }
  const { scanned, attested } = found;
  const { reports, verdict } = scanned;
  const open = reports.flatMap(report => openRules(report));
  if (open.length > 0) problems.push({ cause: verdict.cause ?? 'remote', message: open.join('; ') });
  const before = known.of(image);
  const { all, added, gone } = compareFindings(reports, before ?? attested);
  // Half a scan says nothing of what it does not have.
  const rest = open.length > 0 ? [...(before?.keys() ?? [])] : [];
  known.learn(image, [...new Set([...all, ...rest])], o.clock.now().toISOString());
  const folder = fileNameOf(image);
  const writer = new ScanFolderWriter(join(o.out, folder));
  const images = await writeScanned(scanned, writer, { version: o.version, gitlabReports: true });
  await writer.close({ ref: image, image, ...verdict, sbom: false, images });
  return {
    image: {
      ...about,
      status: verdict.status,
      reasons: reports.flatMap(report => reasonsOf(report.subject.digest ?? '', report)),
      findings: all.length,
      added,
      gone: open.length > 0 ? [] : gone,
      folder,
    },
    reports,
  };
}

function openRules({ verdict }: ScanReport): readonly string[] {
  return verdict.rules
    .filter(({ result }) => result === 'indeterminate')
    .map(({ id, reason = '' }) => `${id}: ${reason}`);
}

interface Found {
  readonly scanned: ScannedWithRuns;
  /** What was known when it was proven. */
  readonly attested: ReadonlySet<string>;
}

async function look(
  { image, digest, policies }: DeployedImage,
  problems: Problem[],
  o: RescanStage,
): Promise<Found | 'idle'> {
  // That is of evidence; what scans may find stands in the project file.
  const { policy: _policy, ...scanning } = o;
  if (digest === undefined && !(await isPublished(image, scanning))) return 'idle';
  if (digest === undefined)
    throw new Fault('EVIDENCE_INVALID', {
      what: 'it is pinned by no digest, so nothing says what runs',
      where: image,
      next: 'cg bump ENVIRONMENT IMAGE@sha256:…',
    });
  const platforms = await listPlatforms(image, scanning);
  const refs = [...new Set([image, ...platforms.map(({ ref }) => ref)])];
  const evidence: ImageEvidence[] = [];
  for (const place of policies) evidence.push(await readEvidence(refs, place, o));
  if (o.verifySignatures)
    for (const one of evidence) await attempt(problems, o, async () => requireSignature(image, one));
  const [first] = evidence;
  if (first === undefined) throw new Fault('BUG', { what: 'an image without a policy', where: image });
  const folder = join(o.out, fileNameOf(image));
  await makeFolder(folder);
  return {
    scanned: o.fromSbom
      ? await scanSboms(image, platforms, first, folder, scanning)
      : await scanImage({ ...scanning, target: image }),
    attested: attestedFindings(image, first),
  };
}

/** What the world did wrong is written down, and the next is looked at; what the caller did wrong ends it. */
async function attempt<T>(
  problems: Problem[],
  { signal }: Pick<RescanStage, 'signal'>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Fault) || (error.kind !== 'remote' && error.kind !== 'trust')) throw error;
    const { kind, message, where, actual } = error;
    const said = [message, where, actual].filter(one => one !== undefined).join(': ');
    problems.push({ cause: kind, message: said.slice(0, 2000) });
    return undefined;
  }
}

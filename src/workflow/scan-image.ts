import { resolve } from 'node:path';
import { readWaivers } from '../config/waivers-file.ts';
import { Fault } from '../ground/fault/fault.ts';
import { readNamedText } from '../ground/store/named-text.ts';
import { readRegularFile } from '../ground/store/regular-file.ts';
import { isMissing } from '../ground/store/write-fault.ts';
import type { RegistryAccess } from '../image/oci/access.ts';
import { parseContent } from '../image/oci/content.ts';
import { formatLocation, type Location } from '../image/oci/location.ts';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import { imagePlatform, imagesOf } from '../image/oci/platform.ts';
import type { Registry } from '../image/oci/registry.ts';
import { readDiffIds } from '../image/sbom/catalogue-image.ts';
import { readSbom } from '../image/sbom/formats/read-sbom.ts';
import type { Clock } from '../model/clock.ts';
import { type Descriptor, formatPlatform } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { type ScanReport, type ScanSubject, type ScanVerdict, worstVerdict } from '../model/finding.ts';
import { formatImageReference } from '../model/image-reference.ts';
import type { EngineRun, ScanEngine } from '../risk/scan/engine.ts';
import { defaultScanPolicy, type ScanPolicy } from '../risk/scan/policy.ts';
import { type Scanned, scanTarget } from '../risk/scan/scan-target.ts';
import { readVex, type VexStatement } from '../risk/scan/vex.ts';
import type { Waiver } from '../risk/scan/waivers.ts';
import { findEntry } from './choose-image.ts';
import { layerCacheFolder } from './list-contents.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';
import { type OpenEngines, openEngines } from './scan/open-engines.ts';
import { recallScan, rememberScan } from './scan/scan-memory.ts';
import { readScanSettings } from './scan/scan-settings.ts';
import { scanManifest } from './scan-manifest.ts';

export type { Finding, ScanReport, ScanRule } from '../model/finding.ts';
export { scanActions } from '../risk/scan/actions.ts';
export { writeCosignVuln } from '../risk/scan/formats/cosign-vuln.ts';
export { writeGitlab } from '../risk/scan/formats/gitlab.ts';
export { writeJunit } from '../risk/scan/formats/junit.ts';
export { writeSarif } from '../risk/scan/formats/sarif.ts';
export { type EngineName, engineNames } from './scan/open-engines.ts';

export interface ScanImage extends ReachOptions, Omit<OpenEngines, 'env'> {
  /** An image anywhere, or `sbom:FILE`. */
  readonly target: string;
  /** What it holds, one list for each image in it, where somebody else says so: of the image itself nothing is read. */
  readonly sboms?: readonly KnownContents[];
  readonly cwd: string;
  readonly clock: Clock;
  readonly policy?: Partial<ScanPolicy>;
  /** Of an index only this one; without it every one. */
  readonly platform?: string;
  readonly base?: string;
  readonly waiversFile?: string;
  readonly vexFiles?: readonly string[];
  readonly cache?: boolean;
  /** An engine that says much less than before is right. */
  readonly acceptSilence?: boolean;
  readonly onLayer?: (done: number, all: number) => void;
  readonly onEngine?: (id: string, status: string) => void;
}

/** An SBOM in a file, and what it is about; without that, what it says itself. */
export interface KnownContents {
  readonly file: string;
  readonly subject?: ScanSubject;
}

/** The answer about a target: one report for each image in it. */
export interface ScannedImage {
  readonly schema: 'scan/v1';
  readonly reference: string;
  readonly verdict: Pick<ScanVerdict, 'status' | 'cause'>;
  readonly reports: readonly ScanReport[];
}

/** With what only files want: the engines' own words, by image. */
export interface ScannedWithRuns extends ScannedImage {
  readonly runs: readonly (readonly EngineRun[])[];
}

interface Settings {
  readonly policy: ScanPolicy;
  readonly engines: readonly ScanEngine[];
  readonly waivers: readonly Waiver[];
  readonly vex: readonly VexStatement[];
}

const largestFile = 512 * 1024 * 1024;

/** Asks every engine about an image or an SBOM, and gives one answer. */
export async function scanImage(o: ScanImage): Promise<ScannedWithRuns> {
  const project = await readScanSettings(o);
  const settings: Settings = {
    policy: { ...defaultScanPolicy, ...project.policy, ...o.policy },
    waivers: (await readWaivers(o.waiversFile ?? project.waiversFile, o.cwd)) as readonly Waiver[],
    vex: (await Promise.all((o.vexFiles ?? []).map(file => readVexFile(resolve(o.cwd, file))))).flat(),
    engines: await openEngines(o),
  };
  try {
    return await scanAny(settings, o);
  } finally {
    for (const engine of settings.engines) engine.close?.();
  }
}

async function scanAny(settings: Settings, o: ScanImage): Promise<ScannedWithRuns> {
  const sboms =
    o.sboms ?? (o.target.startsWith('sbom:') ? [{ file: resolve(o.cwd, o.target.slice(5)) }] : undefined);
  if (sboms !== undefined) {
    const scanned: Scanned[] = [];
    for (const sbom of sboms) scanned.push(await scanSbom(sbom, settings, o));
    return summarise(o.target, scanned);
  }
  const image = toLocation(o.target);
  const base = o.base === undefined ? undefined : toLocation(o.base);
  const registries = [image, ...(base === undefined ? [] : [base])].flatMap(registriesOf);
  return await reachRegistries(o, registries, access => scanLocation(image, base, access, settings, o));
}

async function scanLocation(
  image: Location,
  base: Location | undefined,
  access: RegistryAccess,
  settings: Settings,
  o: ScanImage,
): Promise<ScannedWithRuns> {
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const { registry, reference, location } = await open(image, access, call);
  const root = await registry.manifest(reference, call);
  const bases = base === undefined ? [] : [await readBase(base, access, o)];
  const keeps = o.cache !== false;
  const scanned: Scanned[] = [];
  for (const { digest, platform } of await listImages(registry, root.descriptor, o)) {
    const previous = keeps && o.acceptSilence !== true ? await recallScan(o.env, digest) : {};
    const one = await scanManifest({
      ...call,
      ...settings,
      registry,
      manifest: { digest },
      name: nameOf(location, digest),
      clock: o.clock,
      bases,
      ...(platform !== undefined && { platform }),
      ...(digest !== root.descriptor.digest && { indexDigest: root.descriptor.digest }),
      ...(o.cache !== false && { cacheFolder: layerCacheFolder(o.env) }),
      ...(o.onLayer !== undefined && { onLayer: o.onLayer }),
      ...(o.onEngine !== undefined && { onEngine: o.onEngine }),
      previous,
    });
    if (keeps) await rememberScan(o.env, digest, one);
    scanned.push(one);
  }
  return summarise(formatLocation(location), scanned);
}

function summarise(
  reference: string,
  scanned: readonly { readonly report: ScanReport; readonly runs: readonly EngineRun[] }[],
): ScannedWithRuns {
  const reports = scanned.map(({ report }) => report);
  const verdict = worstVerdict(reports.map(each => each.verdict));
  const answer: ScannedImage = { schema: 'scan/v1', reference, verdict, reports };
  // Raw reports are evidence, and too much for the answer itself: whoever prints it does not print them.
  return Object.defineProperty(answer, 'runs', { value: scanned.map(({ runs }) => runs) }) as ScannedWithRuns;
}

/** The images of an index, or the one that it is; attestations in it are no images. */
export async function listImages(
  registry: Registry,
  root: Pick<Descriptor, 'digest'>,
  o: Pick<ScanImage, 'platform' | 'signal'>,
): Promise<readonly { readonly digest: Digest; readonly platform?: string }[]> {
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const content = parseContent(await registry.manifest(root.digest, call));
  if (content.kind !== 'index') return [{ digest: root.digest }];
  const images =
    o.platform === undefined
      ? imagesOf(content.manifests)
      : [findEntry(registry, content.manifests, o.platform)];
  if (images.length === 0)
    throw new Fault('NOT_FOUND', { what: `${registry.place} has no image to scan`, where: registry.place });
  return images.map(entry => {
    const platform = imagePlatform(entry);
    return { digest: entry.digest, ...(platform !== undefined && { platform: formatPlatform(platform) }) };
  });
}

async function readBase(base: Location, access: RegistryAccess, o: ScanImage): Promise<readonly string[]> {
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const { registry, reference } = await open(base, access, call);
  const { descriptor } = await registry.manifest(reference, call);
  const [first] = await listImages(registry, descriptor, o);
  return await readDiffIds(registry, first ?? descriptor, call);
}

async function scanSbom(
  { file, subject }: KnownContents,
  settings: Settings,
  o: ScanImage,
): Promise<Scanned> {
  const inventory = readSbom(await readWhole(file), file);
  const { name, digest, platform } = inventory.subject;
  return await scanTarget({
    ...settings,
    subject: subject ?? {
      name,
      ...(digest !== undefined && { digest }),
      ...(platform !== undefined && { platform }),
    },
    target: { inventory, sbomFile: file },
    clock: o.clock,
    timeLimit: 15 * 60_000,
    ...(o.signal !== undefined && { signal: o.signal }),
    onEngine: ({ id, outcome }) => o.onEngine?.(id, outcome.status),
  });
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    const bytes = await readRegularFile(path, largestFile);
    if (bytes !== undefined) return bytes;
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new Fault('FILE_MISSING', { what: 'the SBOM is not there', where: path, cause });
  }
  throw new Fault('LIMIT_EXCEEDED', { what: 'the SBOM is too large', where: path });
}

async function readVexFile(path: string): Promise<readonly VexStatement[]> {
  return readVex(await readNamedText(path, { what: 'the VEX document' }), path);
}

/** By its digest: two scans of one image speak of the same thing. */
function nameOf(location: Location, digest: Digest): string {
  if (location.kind !== 'registry') return formatLocation(location);
  const { registry, repository } = location.reference;
  return formatImageReference({ registry, repository, digest });
}

import { Fault } from '../../ground/fault/fault.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { type ImageManifest, parseContent } from '../../image/oci/content.ts';
import { formatLocation, type Location } from '../../image/oci/location.ts';
import { open, toLocation } from '../../image/oci/open.ts';
import { imagePlatform, imagesOf } from '../../image/oci/platform.ts';
import type { Call, Manifest, Registry } from '../../image/oci/registry.ts';
import { collect } from '../../image/oci/verified.ts';
import type { Descriptor } from '../../model/descriptor.ts';
import { isDigest } from '../../model/digest.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import { nearest } from '../../model/nearest.ts';
import { collectEvidence } from '../../trust/attest/storage/collect-evidence.ts';
import { judgeItem } from '../../trust/attest/verify/judge.ts';
import type {
  BaseImage,
  ComponentEvidence,
  ComponentProblem,
  RecordedItem,
} from '../../trust/policy/gate-input.ts';
import type { Judge } from '../evidence/open-judge.ts';
import type { GateTarget } from './read-components.ts';

export interface CollectOptions extends Call {
  readonly children: 'own' | 'inherit';
  readonly maxItemBytes?: number;
}

interface Place {
  readonly registry: Registry;
  readonly location: Location;
  readonly repository: string;
}

const mostChildren = 200;
const mostTags = 10_000;
const largestConfig = 8 * 1024 * 1024;

/** Everything about an image, and about each of its platforms when they answer for themselves. */
export async function collectComponent(
  target: GateTarget,
  access: RegistryAccess,
  judge: Judge,
  o: CollectOptions,
): Promise<ComponentEvidence[]> {
  const location = toLocation(target.image);
  const repository = repositoryOf(location);
  const about = {
    name: target.name,
    reference: target.image,
    repository,
    ...(target.source !== undefined && { source: target.source }),
    ...(target.position !== undefined && { position: target.position }),
  };
  try {
    const { registry, reference } = await open(location, access, o);
    const place = { registry, location, repository };
    const root = await registry.manifest(reference, o).catch(async (error: unknown) => {
      throw isAbsent(error) ? new AbsentImage(error, await nearTags(registry, reference, o)) : error;
    });
    return await collectImage(about, place, root, access, judge, o);
  } catch (error) {
    if (error instanceof AbsentImage) {
      const problem = { kind: 'absent', message: error.message } as const;
      return [
        { ...about, items: [], problem, ...(error.nearTags.length > 0 && { nearTags: error.nearTags }) },
      ];
    }
    return [{ ...about, items: [], problem: problemOf(error, o.signal) }];
  }
}

/** The registry answered, and has no such image. */
class AbsentImage extends Error {
  readonly nearTags: readonly string[];

  constructor(cause: Fault, near: readonly string[]) {
    super(cause.message, { cause });
    this.nearTags = near;
  }
}

async function collectImage(
  about: Omit<ComponentEvidence, 'items'>,
  place: Place,
  root: Manifest,
  access: RegistryAccess,
  judge: Judge,
  o: CollectOptions,
): Promise<ComponentEvidence[]> {
  const content = parseContent(root);
  const entries = content.kind === 'index' ? content.manifests : [];
  const children = o.children === 'own' ? imagesOf(entries) : [];
  if (children.length > mostChildren) {
    throw new Fault('LIMIT_EXCEEDED', {
      what: `the index has more than ${mostChildren} images`,
      where: formatLocation(place.location),
    });
  }
  const whole = { ...about, ...(await collectOne(about, place, root, entries, access, judge, o)) };
  const parts: ComponentEvidence[] = [];
  for (const [index, child] of children.entries()) {
    const manifest = await place.registry.manifest(child.digest, o);
    const platform = imagePlatform(child);
    const name = `${about.name}-${child.digest}-${platform?.architecture ?? `noarch-${index}`}`;
    const reference = `${place.repository}@${child.digest}`;
    parts.push({
      ...about,
      name,
      reference,
      ...(await collectOne(about, place, manifest, entries, access, judge, o)),
    });
  }
  return [whole, ...parts];
}

async function collectOne(
  { repository }: { readonly repository: string },
  { registry, location }: Place,
  manifest: Manifest,
  index: readonly Descriptor[],
  access: RegistryAccess,
  judge: Judge,
  o: CollectOptions,
): Promise<Pick<ComponentEvidence, 'digest' | 'items' | 'base'>> {
  const { digest } = manifest.descriptor;
  if (!digest.startsWith('sha256:')) {
    throw new Fault('UNSUPPORTED', {
      what: 'evidence names images by SHA-256 digests only',
      where: `${repository}@${digest}`,
    });
  }
  const expected = { ...judge.expectations, digest };
  const items: RecordedItem[] = [];
  for await (const piece of collectEvidence(registry, digest, { ...o, index })) {
    items.push('item' in piece ? piece.item : judgeItem(piece.raw, expected, judge.verifier));
  }
  const content = parseContent(manifest);
  const base = await baseOf(content, location, items, access, o);
  return { digest, items, ...(base !== undefined && { base }) };
}

/** The base that the image says it has; its layers only where a scan names layers, and from the same registry. */
async function baseOf(
  content: ReturnType<typeof parseContent>,
  location: Location,
  items: readonly RecordedItem[],
  access: RegistryAccess,
  o: Call,
): Promise<BaseImage | undefined> {
  const name = content.annotations?.['org.opencontainers.image.base.name'];
  const digest = content.annotations?.['org.opencontainers.image.base.digest'];
  if (name === undefined && digest === undefined) return undefined;
  const hasScan = items.some(({ predicateType = '' }) => /vulns?\//.test(predicateType));
  const layers =
    hasScan && content.kind === 'manifest'
      ? await layersOfBase(name, digest, location, access, o)
      : undefined;
  return {
    ...(name !== undefined && { name: name.slice(0, 500) }),
    ...(digest !== undefined && { digest: digest.slice(0, 200) }),
    ...(layers !== undefined && { diffIds: layers }),
  };
}

async function layersOfBase(
  name: string | undefined,
  digest: string | undefined,
  location: Location,
  access: RegistryAccess,
  o: Call,
): Promise<string[] | undefined> {
  const parsed = name === undefined ? undefined : parseImageReference(name);
  if (parsed === undefined || 'problem' in parsed || digest === undefined || !isDigest(digest))
    return undefined;
  const { registry, repository } = parsed.value;
  if (location.kind !== 'registry' || location.reference.registry !== registry) return undefined;
  try {
    const opened = await open(`${registry}/${repository}@${digest}`, access, o);
    const content = parseContent(await opened.registry.manifest(digest, o));
    return content.kind === 'manifest' ? await diffIdsOf(opened.registry, content, o) : undefined;
  } catch (error) {
    // It only tells whose finding it is; without it the verdict is the same.
    if (error instanceof Fault && error.kind !== 'interrupted') return undefined;
    throw error;
  }
}

async function diffIdsOf(
  registry: Registry,
  { config }: ImageManifest,
  o: Call,
): Promise<string[] | undefined> {
  if (config.size > largestConfig) return undefined;
  const body: unknown = JSON.parse((await collect(registry.blob(config, o))).toString('utf8'));
  const ids = (body as { rootfs?: { diff_ids?: unknown } } | null)?.rootfs?.diff_ids;
  return Array.isArray(ids) ? ids.filter(id => typeof id === 'string') : undefined;
}

function isAbsent(error: unknown): error is Fault {
  return error instanceof Fault && error.code === 'NOT_FOUND';
}

async function nearTags(registry: Registry, wanted: string, o: Call): Promise<string[]> {
  const tags: string[] = [];
  try {
    for await (const tag of registry.tags(o)) {
      if (!/^sha256-[0-9a-f]{64}/.test(tag)) tags.push(tag);
      if (tags.length >= mostTags) break;
    }
  } catch (error) {
    if (error instanceof Fault && error.kind !== 'interrupted') return [];
    throw error;
  }
  const meant = nearest(wanted, tags);
  return meant === undefined ? tags.slice(0, 3) : [meant];
}

function problemOf(error: unknown, signal: AbortSignal | undefined): ComponentProblem {
  const reason: unknown = signal?.aborted === true ? signal.reason : undefined;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return { kind: 'unreachable', message: 'the registry did not answer in the time that it was given' };
  }
  if (!(error instanceof Fault) || (error.kind !== 'remote' && error.kind !== 'trust')) throw error;
  const where = error.where === undefined ? '' : ` (${error.where})`;
  return {
    kind: error.kind === 'trust' ? 'untrusted' : 'unreachable',
    message: `${error.code}: ${error.message}${where}`,
  };
}

function repositoryOf(location: Location): string {
  if (location.kind !== 'registry') return formatLocation(location).replace(/@sha256:.*$/, '');
  const { registry, repository } = location.reference;
  return `${registry}/${repository}`;
}

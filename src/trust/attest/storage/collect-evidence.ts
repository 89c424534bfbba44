import type { FaultCode } from '../../../ground/fault/codes.ts';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { parseContent } from '../../../image/oci/content.ts';
import type { Call, Manifest, Registry } from '../../../image/oci/registry.ts';
import { collect } from '../../../image/oci/verified.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import type { EvidenceItem, EvidenceKind, EvidenceReason, EvidenceStore } from '../../../model/evidence.ts';
import { legacyTypes } from '../bundle/legacy-layers.ts';
import type { RawEvidence } from '../verify/judge.ts';
import { legacyTag } from './legacy-tag.ts';

/** What was found: either to be judged, or already known to be no proof. */
export type FoundEvidence = { readonly raw: RawEvidence } | { readonly item: EvidenceItem };

export interface CollectOptions extends Call {
  /** The index that holds the image, when there is one: BuildKit keeps attestations there. */
  readonly index?: readonly Descriptor[];
  readonly maxItemBytes?: number;
}

const largestItem = 64 * 1024 * 1024;
const mostItems = 10_000;
const smallItem = 512 * 1024;
const readAhead = 6;

/** Problems of one item. Whatever else fails means that we could not look, and that is never "nothing found". */
const itemProblems = [
  'CONTENT_INVALID',
  'UNSUPPORTED',
  'NOT_FOUND',
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'LIMIT_EXCEEDED',
] as const;

/** Everything about one digest from every store, one item at a time, so that memory is bounded by the largest one. */
export async function* collectEvidence(
  registry: Registry,
  subject: Digest,
  o: CollectOptions = {},
): AsyncGenerator<FoundEvidence> {
  let count = 0;
  for await (const found of allStores(registry, subject, o)) {
    count++;
    if (count > mostItems) {
      throw new Fault('LIMIT_EXCEEDED', {
        what: `there is more evidence about ${registry.place}@${subject} than cg is willing to judge`,
        where: `${registry.place}@${subject}`,
        expected: `at most ${mostItems} items`,
      });
    }
    yield found;
  }
}

async function* allStores(
  registry: Registry,
  subject: Digest,
  o: CollectOptions,
): AsyncGenerator<FoundEvidence> {
  const legacy = (['sig', 'att', 'sbom'] as const).map(suffix => ({
    suffix,
    manifest: begin(readTagged(registry, legacyTag(subject, suffix), o)),
  }));
  const listed = (await registry.referrers(subject, o)).map(
    ({ digest }): Place => ({ store: 'referrer', digest, subject }),
  );
  for await (const pieces of inAdvance(listed, readAhead, place => readPlace(registry, place, o)))
    yield* pieces;
  for (const { suffix, manifest } of legacy) {
    const found = await manifest;
    if (found === undefined) continue;
    if ('problem' in found) yield malformed(`${suffix}:${legacyTag(subject, suffix)}`, suffix, found.problem);
    else yield* piecesOf(registry, { store: suffix, digest: found.value.descriptor.digest }, found.value, o);
  }
  for (const entry of o.index ?? []) {
    const isAttestation = entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
    if (isAttestation && entry.annotations?.['vnd.docker.reference.digest'] === subject) {
      yield* await readPlace(registry, { store: 'buildkit', digest: entry.digest }, o);
    }
  }
}

interface Place {
  readonly store: Exclude<EvidenceStore, 'file'>;
  readonly digest: Digest;
  /** What the manifest itself must refer to. */
  readonly subject?: Digest;
}

type Pieces = AsyncIterable<FoundEvidence> | Iterable<FoundEvidence>;

async function readTagged(
  registry: Registry,
  tag: string,
  o: CollectOptions,
): Promise<Attempt<Manifest> | undefined> {
  try {
    return await attempt(() => registry.manifest(tag, o), 'NOT_FOUND');
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

async function readPlace(registry: Registry, place: Place, o: CollectOptions): Promise<Pieces> {
  const { store, digest } = place;
  const read = await attempt(() => registry.manifest(digest, o));
  if ('problem' in read) return [malformed(`${store}:${digest}`, store, read.problem)];
  const pieces = piecesOf(registry, place, read.value, o);
  return isSmall(read.value) ? await gather(pieces) : pieces;
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What is small is read before its turn; what is large waits, so that memory is bounded by the largest one. */
function isSmall(manifest: Manifest): boolean {
  try {
    const content = parseContent(manifest);
    return (
      content.kind === 'manifest' && content.layers.reduce((sum, { size }) => sum + size, 0) <= smallItem
    );
  } catch {
    return false;
  }
}

async function* piecesOf(
  registry: Registry,
  { store, digest, subject }: Place,
  manifest: Manifest,
  o: CollectOptions,
): AsyncGenerator<FoundEvidence> {
  const content = await attempt(() => Promise.resolve().then(() => parseContent(manifest)));
  if ('problem' in content) {
    yield malformed(`${store}:${digest}`, store, content.problem);
    return;
  }
  if (content.value.kind === 'index') return;
  // A list can lie; the manifest itself says what it refers to.
  if (subject !== undefined && content.value.subject?.digest !== subject) {
    const got = content.value.subject?.digest ?? 'no subject';
    yield rejected(`${store}:${digest}`, store, 'other', {
      code: 'subject',
      message: 'listed here, but refers to something else',
      wanted: subject,
      got,
    });
    return;
  }
  const layers = content.value.layers.map((layer, index) => ({ layer, id: `${store}:${digest}#${index}` }));
  const limit = layers.every(({ layer }) => layer.size <= smallItem / readAhead) ? readAhead : 1;
  yield* inAdvance(layers, limit, ({ layer, id }) => readLayer(registry, store, id, layer, o));
}

/** Results in the order of the items, while the work on the next ones has begun already. */
async function* inAdvance<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  let next = 0;
  for (let at = 0; at < items.length; at++) {
    for (; next < Math.min(items.length, at + limit); next++) running.push(begin(work(items[next] as T)));
    yield (await running.shift()) as R;
  }
}

/** Its failure is heard of where it is awaited, and nowhere else. */
function begin<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

async function readLayer(
  registry: Registry,
  store: Exclude<EvidenceStore, 'file'>,
  id: string,
  layer: Descriptor,
  o: CollectOptions,
): Promise<FoundEvidence> {
  const form = formOf(layer, store);
  if (form === undefined)
    return rejected(id, store, unsignedKind(store, layer), {
      code: 'unsigned',
      message: `not signed: ${layer.mediaType}`,
    });
  const limit = o.maxItemBytes ?? largestItem;
  if (layer.size > limit) {
    return rejected(id, store, 'other', {
      code: 'malformed',
      message: 'larger than is read',
      wanted: `at most ${limit} bytes`,
      got: `${layer.size} bytes`,
    });
  }
  const bytes = await attempt(() => collect(registry.blob(layer, o)));
  if ('problem' in bytes) return malformed(id, store, bytes.problem);
  if (form === 'bundle') return { raw: { id, store, form, bytes: bytes.value } };
  return {
    raw: {
      id,
      store,
      form,
      layer: { mediaType: layer.mediaType, bytes: bytes.value, annotations: layer.annotations ?? {} },
    },
  };
}

function formOf(layer: Descriptor, store: EvidenceStore): 'bundle' | 'layer' | undefined {
  if (store === 'buildkit' || store === 'sbom') return undefined;
  if (layer.mediaType.startsWith('application/vnd.dev.sigstore.bundle')) return 'bundle';
  const isLegacy = layer.mediaType === legacyTypes.signature || layer.mediaType === legacyTypes.envelope;
  return isLegacy ? 'layer' : undefined;
}

function unsignedKind(store: EvidenceStore, layer: Descriptor): EvidenceKind {
  if (store === 'buildkit') return 'attestation';
  return store === 'sbom' || /spdx|cyclonedx|syft/i.test(layer.mediaType) ? 'sbom' : 'other';
}

function rejected(
  id: string,
  store: EvidenceStore,
  kind: EvidenceKind,
  reason: EvidenceReason,
): FoundEvidence {
  return { item: { id, store, kind, verified: false, times: [], reasons: [reason] } };
}

function malformed(id: string, store: EvidenceStore, message: string): FoundEvidence {
  return rejected(id, store, 'other', { code: 'malformed', message });
}

type Attempt<T> = { readonly value: T } | { readonly problem: string };

async function attempt<T>(work: () => Promise<T>, ...except: FaultCode[]): Promise<Attempt<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!hasCode(error, ...itemProblems) || except.includes(error.code)) throw error;
    return { problem: error.message };
  }
}

import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import { parseContent } from '../../../image/oci/content.ts';
import type { Call, Registry } from '../../../image/oci/registry.ts';
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
  for (const entry of await registry.referrers(subject, o)) {
    yield* fromManifest(registry, 'referrer', entry.digest, o, subject);
  }
  for (const suffix of ['sig', 'att', 'sbom'] as const) {
    const head = await registry.head(legacyTag(subject, suffix), o);
    if (head !== undefined) yield* fromManifest(registry, suffix, head.digest, o);
  }
  for (const entry of o.index ?? []) {
    const isAttestation = entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
    if (isAttestation && entry.annotations?.['vnd.docker.reference.digest'] === subject) {
      yield* fromManifest(registry, 'buildkit', entry.digest, o);
    }
  }
}

async function* fromManifest(
  registry: Registry,
  store: Exclude<EvidenceStore, 'file'>,
  digest: Digest,
  o: CollectOptions,
  subject?: Digest,
): AsyncGenerator<FoundEvidence> {
  const content = await attempt(async () => parseContent(await registry.manifest(digest, o)));
  if ('problem' in content) {
    yield rejected(`${store}:${digest}`, store, 'other', { code: 'malformed', message: content.problem });
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
  for (const [index, layer] of content.value.layers.entries()) {
    yield await readLayer(registry, store, `${store}:${digest}#${index}`, layer, o);
  }
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
  if ('problem' in bytes) return rejected(id, store, 'other', { code: 'malformed', message: bytes.problem });
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

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { problem: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (hasCode(error, ...itemProblems)) return { problem: error.message };
    throw error;
  }
}

import { Fault } from '../../ground/fault/fault.ts';
import { inParallel } from '../../ground/process/in-parallel.ts';
import { parseContent } from '../../image/oci/content.ts';
import { describeBytes } from '../../image/oci/push-content.ts';
import type { Call, Registry } from '../../image/oci/registry.ts';
import { collect } from '../../image/oci/verified.ts';
import type { Digest } from '../../model/digest.ts';
import { type LegacyLayer, legacyTypes } from '../../trust/attest/bundle/legacy-layers.ts';
import { legacyTag } from '../../trust/attest/storage/legacy-tag.ts';
import { type SentBundle, type StoredBundle, storeBundle } from '../../trust/attest/storage/store-bundle.ts';
import { storeLegacy } from '../../trust/attest/storage/store-legacy.ts';
import type { EvidenceTarget } from './targets.ts';

/** Everything that was signed about one target in one run, checked, and not yet to be found by anybody. */
export interface SignedEvidence {
  readonly target: EvidenceTarget;
  readonly bundles: readonly { readonly sent: SentBundle; readonly predicateType: string }[];
  readonly layers: readonly LegacyLayer[];
}

/** Where it lies now. */
export interface StoredEvidence {
  readonly digest: Digest;
  readonly platform?: string;
  /** Manifests that refer to the image. */
  readonly referrers: readonly Digest[];
  /** Tags of the old form. */
  readonly tags: readonly string[];
}

const writesAtOnce = 4;
const storesAtOnce = 3;

/** Stores it, and reads it back: a registry that says yes and keeps nothing is found out now and not at deployment. */
export async function storeSigned(
  registry: Registry,
  evidence: readonly SignedEvidence[],
  o: Call & { readonly createdAt: Date },
): Promise<StoredEvidence[]> {
  return await inParallel([...byTarget(evidence).values()], storesAtOnce, pieces =>
    storeTarget(registry, pieces, o),
  );
}

/** A signature and attestations of one target are stored together, and looked for together. */
function byTarget(evidence: readonly SignedEvidence[]): Map<Digest, SignedEvidence[]> {
  const groups = new Map<Digest, SignedEvidence[]>();
  for (const one of evidence) {
    const { digest } = one.target.subject;
    groups.set(digest, [...(groups.get(digest) ?? []), one]);
  }
  return groups;
}

async function storeTarget(
  registry: Registry,
  pieces: readonly SignedEvidence[],
  o: Call & { readonly createdAt: Date },
): Promise<StoredEvidence> {
  const { subject, platform } = (pieces[0] as SignedEvidence).target;
  const bundles = pieces.flatMap(piece => piece.bundles);
  const legacy = pieces.map(({ layers }) => layers).filter(layers => layers.length > 0);
  const [stored, tags] = await Promise.all([
    inParallel(bundles, writesAtOnce, async ({ sent, predicateType }) =>
      storeBundle(registry, { subject, bundle: sent, predicateType, createdAt: o.createdAt }, o),
    ),
    inParallel(legacy, writesAtOnce, async layers => {
      await storeLegacy(registry, subject.digest, layers, o);
      return legacyTag(subject.digest, suffixOf(layers));
    }),
  ]);
  await Promise.all([
    readBack(registry, subject.digest, stored, o),
    ...legacy.map((layers, at) => readBackLegacy(registry, tags[at] ?? '', layers, o)),
  ]);
  const referrers = stored.map(({ digest }) => digest);
  return { digest: subject.digest, ...(platform !== undefined && { platform }), referrers, tags };
}

function suffixOf([first]: readonly LegacyLayer[]): 'sig' | 'att' {
  return first?.mediaType === legacyTypes.signature ? 'sig' : 'att';
}

async function readBack(
  registry: Registry,
  subject: Digest,
  stored: readonly StoredBundle[],
  o: Call,
): Promise<void> {
  if (stored.length === 0) return;
  // Every byte that comes back is compared with its digest on the way.
  const contents = inParallel(stored, writesAtOnce, async ({ digest, layer }) =>
    Promise.all([registry.manifest(digest, o), collect(registry.blob(layer, o))]),
  );
  const [listing, reading] = await Promise.allSettled([registry.referrers(subject, o), contents]);
  if (listing.status === 'rejected') throw listing.reason;
  const listed = new Set(listing.value.map(({ digest }) => digest));
  const missing = stored.find(({ digest }) => !listed.has(digest));
  if (missing !== undefined)
    throw lost(registry, subject, `the list of what refers to it lacks ${missing.digest}`);
  if (reading.status === 'rejected') throw reading.reason;
}

async function readBackLegacy(
  registry: Registry,
  tag: string,
  layers: readonly LegacyLayer[],
  o: Call,
): Promise<void> {
  const content = parseContent(await registry.manifest(tag, o));
  const held = new Set(content.kind === 'manifest' ? content.layers.map(({ digest }) => digest) : []);
  for (const { mediaType, bytes } of layers) {
    const { digest } = describeBytes(mediaType, bytes);
    if (!held.has(digest)) throw lost(registry, tag, `it lacks ${digest}`);
  }
}

function lost(registry: Registry, what: string, actual: string): Fault {
  return new Fault('REFUSED', {
    what: `${registry.place} took the evidence and does not show it`,
    where: `${registry.place} ${what}`,
    expected: 'what was just stored',
    actual,
    next: 'somebody else may have written at the same moment; run the command again',
  });
}

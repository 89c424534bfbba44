import type { Descriptor } from '../../model/descriptor.ts';
import type { Inventory, InventoryLayer } from '../../model/inventory.ts';
import type { Call, Registry } from '../oci/registry.ts';
import { unpackLayer } from '../oci/unpack-layer.ts';
import { verified } from '../oci/verified.ts';
import { assemble } from './assemble.ts';
import { allCataloguers } from './cataloguers/all.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';
import { catalogueLayer } from './layer/catalogue-layer.ts';
import type { LayerFindings } from './layer/findings.ts';
import { LayerCache } from './layer/layer-cache.ts';
import { squash } from './layer/squash.ts';

export interface CatalogueImageOptions extends Call {
  /** How people name the image; the registry's place and the digest unless said otherwise. */
  readonly name?: string;
  /** DiffIDs of known base images; the longest common beginning counts as inherited. */
  readonly bases?: readonly (readonly string[])[];
  /** Folder that keeps what was found in each layer, by diffID. */
  readonly cacheFolder?: string;
  /** Hears of each layer as it is done. */
  readonly onLayer?: (done: number, all: number) => void;
}

/** Lists what is installed in one image (not an index): one streaming pass over each layer that is not in the cache. */
export async function catalogueImage(
  registry: Registry,
  manifest: Pick<Descriptor, 'digest'>,
  o: CatalogueImageOptions = {},
): Promise<Inventory> {
  const facts = await readImageFacts(registry, manifest.digest, o);
  const findings = await readLayers(registry, facts, o);
  const layers = markInherited(facts, o.bases ?? []);
  const { platform, created } = facts;
  return assemble(
    {
      name: o.name ?? `${registry.place}@${facts.manifest.digest}`,
      digest: facts.manifest.digest,
      imageId: facts.config.digest,
      ...(platform !== undefined && { platform }),
      ...(created !== undefined && { created }),
      layers,
    },
    squash(findings),
  );
}

/** The platform that the configuration of an image names. */
export async function readPlatform(
  registry: Registry,
  manifest: Pick<Descriptor, 'digest'>,
  o: Call = {},
): Promise<string | undefined> {
  return (await readImageFacts(registry, manifest.digest, o)).platform;
}

/** The diffIDs of an image, for those that are built on it. */
export async function readDiffIds(
  registry: Registry,
  manifest: Pick<Descriptor, 'digest'>,
  o: Call = {},
): Promise<readonly string[]> {
  return (await readImageFacts(registry, manifest.digest, o)).layers.map(({ diffId }) => diffId);
}

async function readLayers(
  registry: Registry,
  { layers }: ImageFacts,
  o: CatalogueImageOptions,
): Promise<LayerFindings[]> {
  const cache = o.cacheFolder === undefined ? undefined : new LayerCache(o.cacheFolder);
  const found: LayerFindings[] = [];
  for (const { blob, diffId } of layers) {
    const where = `layer ${blob.digest} in ${registry.place}`;
    let findings = await cache?.read(diffId);
    if (findings === undefined) {
      const packed = verified(registry.blob(blob, o), blob, where);
      findings = await catalogueLayer(unpackLayer(packed, diffId, where), allCataloguers, where);
      await cache?.write(diffId, findings);
    }
    found.push(findings);
    o.onLayer?.(found.length, layers.length);
  }
  return found;
}

/** The longest beginning that is all of a known base. */
function markInherited(
  { layers }: ImageFacts,
  bases: readonly (readonly string[])[],
): readonly InventoryLayer[] {
  const inherited = Math.max(
    0,
    ...bases.map(base => (base.every((diffId, at) => layers[at]?.diffId === diffId) ? base.length : 0)),
  );
  return layers.map(({ blob, diffId }, at) => ({ diffId, digest: blob.digest, inherited: at < inherited }));
}

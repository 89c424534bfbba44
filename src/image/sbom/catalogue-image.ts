import { Fault } from '../../ground/fault/fault.ts';
import type { Descriptor } from '../../model/descriptor.ts';
import type { Inventory } from '../../model/inventory.ts';
import type { Call, Registry } from '../oci/registry.ts';

export interface CatalogueImageOptions extends Call {
  /** How people name the image; the registry's place and the digest unless said otherwise. */
  readonly name?: string;
  /** DiffIDs of known base images; the longest common beginning counts as inherited. */
  readonly bases?: readonly (readonly string[])[];
  /** Folder that keeps what was found in each layer, by diffID. */
  readonly cacheFolder?: string;
}

/** Lists what is installed in one image (not an index): one streaming pass over each layer that is not in the cache. */
export async function catalogueImage(
  registry: Registry,
  manifest: Descriptor,
  o: CatalogueImageOptions = {},
): Promise<Inventory> {
  throw new Fault('UNSUPPORTED', { what: `${o.name ?? registry.place}@${manifest.digest} is not read yet` });
}

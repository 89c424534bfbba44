import { inParallel } from '../../../ground/process/in-parallel.ts';
import { mergeLegacyLayers } from '../../../image/oci/legacy-evidence.ts';
import { describeBytes, pushBytes } from '../../../image/oci/push-content.ts';
import type { Call, Registry } from '../../../image/oci/registry.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { type LegacyLayer, legacyTypes } from '../bundle/legacy-layers.ts';
import { legacyTag } from './legacy-tag.ts';

const pushesAtOnce = 4;

/** Stores evidence as cosign 2 does: layers of one manifest, `.sig` or `.att`, beside those of others. */
export async function storeLegacy(
  registry: Registry,
  subject: Digest,
  layers: readonly LegacyLayer[],
  o: Call = {},
): Promise<void> {
  const wanted = await inParallel(layers, pushesAtOnce, async ({ mediaType, bytes, annotations }) => {
    const descriptor: Descriptor = { ...describeBytes(mediaType, bytes), annotations };
    await pushBytes(registry, descriptor, bytes, o);
    return descriptor;
  });
  const suffix = layers[0]?.mediaType === legacyTypes.signature ? 'sig' : 'att';
  await mergeLegacyLayers(registry, legacyTag(subject, suffix), wanted, o);
}

import { describeBytes, emptyConfig, encodeManifest, pushBytes } from '../../../image/oci/push-content.ts';
import type { Call, Registry } from '../../../image/oci/registry.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { type Bundle, bundleMediaType } from '../bundle/bundle.ts';
import { formatBundle } from '../bundle/format-bundle.ts';

export interface BundleToStore {
  /** The image, or the part of it, that the evidence is about. */
  readonly subject: Descriptor;
  readonly bundle: Bundle;
  readonly predicateType: string;
  readonly createdAt: Date;
}

export interface StoredBundle {
  /** Of the manifest that refers to the subject. */
  readonly digest: Digest;
  /** The bundle itself. */
  readonly layer: Descriptor;
}

/** Stores a bundle as cosign 3 does: a manifest without a tag that refers to its subject. */
export async function storeBundle(
  registry: Registry,
  item: BundleToStore,
  o: Call = {},
): Promise<StoredBundle> {
  const bytes = Buffer.from(formatBundle(item.bundle));
  const layer = describeBytes(bundleMediaType, bytes);
  const config = describeBytes(mediaTypes.empty, emptyConfig);
  await Promise.all([
    pushOnce(registry, config, o),
    pushBytes(registry, layer, bytes, { ...o, isNew: true }),
  ]);
  const { mediaType, digest, size } = item.subject;
  const manifest = encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: bundleMediaType,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations: {
      'dev.sigstore.bundle.content':
        item.bundle.content.kind === 'envelope' ? 'dsse-envelope' : 'message-signature',
      'dev.sigstore.bundle.predicateType': item.predicateType,
      'org.opencontainers.image.created': item.createdAt.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    },
  });
  await registry.push({ kind: 'manifest', ...manifest }, o);
  return { digest: manifest.descriptor.digest, layer };
}

/** All bundles of a run share one configuration; it is sent with the first of them, as asking for it costs as much. */
const configured = new WeakMap<Registry, Promise<void>>();

async function pushOnce(registry: Registry, config: Descriptor, o: Call): Promise<void> {
  const push = configured.get(registry) ?? pushBytes(registry, config, emptyConfig, { ...o, isNew: true });
  configured.set(registry, push);
  try {
    await push;
  } catch (error) {
    configured.delete(registry);
    throw error;
  }
}

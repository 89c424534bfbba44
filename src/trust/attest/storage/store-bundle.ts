import { describeBytes, emptyConfig, encodeManifest, pushBytes } from '../../../image/oci/push-content.ts';
import type { Call, Registry } from '../../../image/oci/registry.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { type Bundle, bundleMediaType } from '../bundle/bundle.ts';
import { formatBundle } from '../bundle/format-bundle.ts';

/** A bundle whose bytes are on their way. Nobody finds them before a manifest names them. */
export interface SentBundle {
  readonly layer: Descriptor;
  readonly content: Bundle['content']['kind'];
  readonly arrived: Promise<unknown>;
}

export interface BundleToStore {
  /** The image, or the part of it, that the evidence is about. */
  readonly subject: Descriptor;
  readonly bundle: SentBundle;
  readonly predicateType: string;
  readonly createdAt: Date;
}

export interface StoredBundle {
  /** Of the manifest that refers to the subject. */
  readonly digest: Digest;
  /** The bundle itself. */
  readonly layer: Descriptor;
}

/** Sends the bytes ahead, while others are still being signed; `storeBundle` tells what became of them. */
export function sendBundle(registry: Registry, bundle: Bundle, o: Call = {}): SentBundle {
  const bytes = Buffer.from(formatBundle(bundle));
  const layer = describeBytes(bundleMediaType, bytes);
  const arrived = Promise.all([
    pushConfig(registry, o),
    pushBytes(registry, layer, bytes, { ...o, isNew: true }),
  ]);
  arrived.catch(() => undefined);
  return { layer, content: bundle.content.kind, arrived };
}

/** Stores a bundle as cosign 3 does: a manifest without a tag that refers to its subject. */
export async function storeBundle(
  registry: Registry,
  item: BundleToStore,
  o: Call = {},
): Promise<StoredBundle> {
  const { layer, content, arrived } = item.bundle;
  await arrived;
  const { mediaType, digest, size } = item.subject;
  const manifest = encodeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: bundleMediaType,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations: {
      'dev.sigstore.bundle.content': content === 'envelope' ? 'dsse-envelope' : 'message-signature',
      'dev.sigstore.bundle.predicateType': item.predicateType,
      'org.opencontainers.image.created': item.createdAt.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    },
  });
  await registry.push({ kind: 'manifest', ...manifest }, o);
  return { digest: manifest.descriptor.digest, layer };
}

/** All bundles of a run share one configuration; it is sent with the first of them, as asking for it costs as much. */
const config = describeBytes(mediaTypes.empty, emptyConfig);
const configured = new WeakMap<Registry, Promise<void>>();

async function pushConfig(registry: Registry, o: Call): Promise<void> {
  const push = configured.get(registry) ?? pushBytes(registry, config, emptyConfig, { ...o, isNew: true });
  configured.set(registry, push);
  try {
    await push;
  } catch (error) {
    configured.delete(registry);
    throw error;
  }
}

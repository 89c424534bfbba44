import { createHash } from 'node:crypto';
import type { BlobPush, Manifest, Registry } from '../src/image/oci/registry.ts';
import { type Descriptor, mediaTypes, type Platform } from '../src/model/descriptor.ts';
import type { Digest } from '../src/model/digest.ts';

/** Small images for tests, always the same bytes for the same words. */
export function blobOf(
  content: string | Uint8Array,
  mediaType: string = mediaTypes.layerTar,
): { descriptor: Descriptor; bytes: Buffer; push: BlobPush } {
  const bytes = Buffer.from(content);
  const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length };
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  return { descriptor, bytes, push: { kind: 'blob', descriptor, open } };
}

export function manifestOf(body: object, mediaType: string = mediaTypes.manifest): Manifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, bytes };
}

export interface TestImage {
  readonly manifest: Manifest;
  readonly blobs: readonly BlobPush[];
}

export function imageOf(
  word: string,
  layers: readonly (string | Uint8Array)[] = [`layer of ${word}`],
  platform: Platform = { os: 'linux', architecture: 'amd64' },
): TestImage {
  const config = blobOf(
    JSON.stringify({
      ...platform,
      word,
      rootfs: { type: 'layers', diff_ids: layers.map(layer => sha256(Buffer.from(layer))) },
    }),
    mediaTypes.config,
  );
  const parts = layers.map(layer => blobOf(layer));
  return {
    manifest: manifestOf({ config: config.descriptor, layers: parts.map(({ descriptor }) => descriptor) }),
    blobs: [config, ...parts].map(({ push }) => push),
  };
}

export function indexOf(children: readonly { manifest: Manifest; platform?: Platform }[]): Manifest {
  return manifestOf(
    {
      manifests: children.map(({ manifest, platform }) => ({
        ...manifest.descriptor,
        ...(platform !== undefined && { platform }),
      })),
    },
    mediaTypes.index,
  );
}

export function referrerOf(subject: Manifest, artifactType: string, content = artifactType): TestImage {
  const empty = blobOf('{}', mediaTypes.empty);
  const payload = blobOf(content, 'application/octet-stream');
  return {
    manifest: manifestOf({
      artifactType,
      config: empty.descriptor,
      layers: [payload.descriptor],
      subject: subject.descriptor,
      annotations: { made: content },
    }),
    blobs: [empty.push, payload.push],
  };
}

export async function pushImage(registry: Registry, image: TestImage, ...tags: string[]): Promise<Digest> {
  for (const blob of image.blobs) await registry.push(blob);
  await registry.push({ kind: 'manifest', ...image.manifest, tags });
  return image.manifest.descriptor.digest;
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { bytesContent, root } from '../../image/build/embedded/tree.ts';
import { writeTar } from '../../image/build/embedded/write-tar.ts';
import type { Registry } from '../../image/oci/registry.ts';
import { collect } from '../../image/oci/verified.ts';
import { type Descriptor, mediaTypes, type Platform } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';

const platforms: readonly Platform[] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
];

/** Stores a small image of two platforms, always the same bytes, so that there is something to look at. */
export async function pushSampleImage(registry: Registry, tag: string, signal: AbortSignal): Promise<Digest> {
  const manifests: Descriptor[] = [];
  for (const platform of platforms) manifests.push(await pushPlatform(registry, platform, signal));
  const index = encode(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  await registry.push({ kind: 'manifest', ...index, tags: [tag] }, { signal });
  return index.descriptor.digest;
}

async function pushPlatform(
  registry: Registry,
  platform: Platform,
  signal: AbortSignal,
): Promise<Descriptor> {
  const hello = bytesContent(Buffer.from(`Hello from ${platform.os}/${platform.architecture}.\n`));
  const files = new Map([
    ['hello.txt', { kind: 'file', meta: { ...root, mode: 0o644 }, content: hello } as const],
  ]);
  const tar = await collect(writeTar(files, 0, signal));
  const layer = describe(mediaTypes.layerGzip, gzipSync(tar, { level: 6 }));
  const config = encode(mediaTypes.config, {
    created: '1970-01-01T00:00:00Z',
    ...platform,
    config: { Labels: { 'org.opencontainers.image.title': 'hello' } },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'COPY hello.txt /' }],
  });
  for (const { descriptor, bytes } of [layer, config]) {
    await registry.push({ kind: 'blob', descriptor, open: from => once(bytes.subarray(from)) }, { signal });
  }
  const manifest = encode(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  await registry.push({ kind: 'manifest', ...manifest }, { signal });
  return { ...manifest.descriptor, platform };
}

function encode(mediaType: string, value: unknown): { descriptor: Descriptor; bytes: Buffer } {
  return describe(mediaType, Buffer.from(JSON.stringify(value)));
}

function describe(mediaType: string, bytes: Buffer): { descriptor: Descriptor; bytes: Buffer } {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

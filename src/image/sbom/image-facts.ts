import { Fault } from '../../ground/fault/fault.ts';
import type { Descriptor } from '../../model/descriptor.ts';
import { formatPlatform } from '../../model/descriptor.ts';
import { type Digest, isDigest } from '../../model/digest.ts';
import { parseContent } from '../oci/content.ts';
import type { Call, Registry } from '../oci/registry.ts';
import { collect } from '../oci/verified.ts';

const largestConfig = 8 * 1024 * 1024;

export interface ImageFacts {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly { readonly blob: Descriptor; readonly diffId: Digest }[];
  readonly platform?: string;
  readonly created?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What an image says of itself before any layer is read. */
export async function readImageFacts(registry: Registry, digest: string, o: Call): Promise<ImageFacts> {
  const manifest = await registry.manifest(digest, o);
  const content = parseContent(manifest);
  const where = `${registry.place}@${manifest.descriptor.digest}`;
  if (content.kind === 'index') {
    throw new Fault('UNSUPPORTED', { what: `${where} is an index, and not one image`, where });
  }
  const { config, layers } = content;
  if (!/image\.config|container\.image/.test(config.mediaType)) {
    throw new Fault('UNSUPPORTED', {
      what: `${where} is no image that could be run, so nothing is installed in it`,
      where,
      actual: config.mediaType,
    });
  }
  if (config.size > largestConfig) throw broken(where, `a configuration of ${config.size} bytes`);
  const body = parse(await collect(registry.blob(config, o)), where);
  const diffIds = readDiffIds(body, where);
  if (diffIds.length !== layers.length)
    throw broken(where, `${layers.length} layers, and ${diffIds.length} diffIDs`);
  const { os, architecture, variant, created } = body;
  return {
    manifest: manifest.descriptor,
    config,
    layers: layers.map((blob, at) => ({ blob, diffId: diffIds[at] as Digest })),
    annotations: content.annotations ?? {},
    ...(typeof os === 'string' &&
      typeof architecture === 'string' && {
        platform: formatPlatform({ os, architecture, ...(typeof variant === 'string' && { variant }) }),
      }),
    ...(typeof created === 'string' && isTime(created) && { created }),
  };
}

function isTime(text: string): boolean {
  return text.length < 64 && !Number.isNaN(Date.parse(text));
}

type Json = Readonly<Record<string, unknown>>;

function parse(bytes: Buffer, where: string): Json {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Json;
  } catch (cause) {
    throw new Fault('CONTENT_INVALID', { what: `the configuration of ${where} is not JSON`, where, cause });
  }
  throw broken(where, 'a configuration that is no JSON object');
}

function readDiffIds(body: Json, where: string): Digest[] {
  const { rootfs } = body;
  const listed = typeof rootfs === 'object' && rootfs !== null ? (rootfs as Json)['diff_ids'] : undefined;
  if (!Array.isArray(listed)) throw broken(where, 'a configuration without diffIDs');
  return listed.map((text: unknown) => {
    if (typeof text === 'string' && isDigest(text)) return text;
    throw broken(where, 'a diffID that is no digest');
  });
}

function broken(where: string, actual: string): Fault {
  return new Fault('CONTENT_INVALID', { what: `${where} is not an image that can be read`, where, actual });
}

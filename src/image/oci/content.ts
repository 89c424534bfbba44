import { Fault } from '../../ground/fault/fault.ts';
import {
  type Descriptor,
  isIndexType,
  isManifestType,
  mediaTypes,
  type Platform,
} from '../../model/descriptor.ts';
import { isDigest } from '../../model/digest.ts';
import type { Manifest } from './registry.ts';

/** Read up to this size, written up to half of it (OCI distribution specification, "Pushing manifests"). */
export const largestManifestRead = 8 * 1024 * 1024;
export const largestManifestWritten = 4 * 1024 * 1024;

interface Shared {
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex extends Shared {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

export interface ImageManifest extends Shared {
  readonly kind: 'manifest';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export type Content = ImageIndex | ImageManifest;

type Json = Readonly<Record<string, unknown>>;

/** What a manifest says, after checking that it is one. The bytes stay what they were. */
export function parseContent({ descriptor, bytes }: Manifest): Content {
  const where = descriptor.digest;
  const body = parseObject(bytes, where);
  checkKind(body, where);
  const shared = readShared(body, where);
  if (isIndexType(descriptor.mediaType)) {
    return { kind: 'index', manifests: readDescriptors(body['manifests'], 'manifests', where), ...shared };
  }
  if (isManifestType(descriptor.mediaType)) {
    return {
      kind: 'manifest',
      config: readDescriptor(body['config'], 'config', where),
      layers: readDescriptors(body['layers'], 'layers', where),
      ...shared,
    };
  }
  throw new Fault('UNSUPPORTED', {
    what: `${where} is neither an image nor an index`,
    where,
    actual: descriptor.mediaType,
  });
}

/**
 * The media type of a manifest: the header and the body must agree, and a body without one is judged by what
 * it holds. A document that is an index to one reader and an image to another is refused (CVE-2021-41190).
 */
export function decideMediaType(header: string | undefined, bytes: Uint8Array, where: string): string {
  const body = parseObject(bytes, where);
  const claimed = checkKind(body, where);
  const sent = header?.split(';')[0]?.trim().toLowerCase();
  const isTold = sent !== undefined && sent !== '' && isManifestType(sent);
  if (claimed !== undefined) {
    if (isTold && sent !== claimed) throw invalid('two media types', where, sent, claimed);
    if (!isManifestType(claimed)) throw unsupported(claimed, where);
    return claimed;
  }
  const held = Array.isArray(body['manifests']) ? mediaTypes.index : mediaTypes.manifest;
  if (!isTold) return held;
  if (isIndexType(sent) !== isIndexType(held)) throw invalid('another kind of content', where, sent, held);
  return sent;
}

function checkKind(body: Json, where: string): string | undefined {
  if (body['schemaVersion'] === 1 || 'fsLayers' in body) {
    throw new Fault('UNSUPPORTED', {
      what: `${where} is an image in the format of 2015 (schema 1), which can hide what it holds`,
      where,
      next: 'push the image again with a current tool',
    });
  }
  if ('manifests' in body && ('layers' in body || 'config' in body)) {
    throw invalid('an index and an image in one', where, '"manifests" or "layers"', 'both');
  }
  const claimed = body['mediaType'];
  if (claimed !== undefined && typeof claimed !== 'string') throw invalid('no text as mediaType', where);
  if (claimed !== undefined && isManifestType(claimed) && 'manifests' in body !== isIndexType(claimed)) {
    throw invalid('another kind of content', where, claimed);
  }
  return claimed;
}

function parseObject(bytes: Uint8Array, where: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw new Fault('CONTENT_INVALID', { what: `${where} is not JSON`, where, cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('no JSON object', where);
  return value as Json;
}

function readShared(body: Json, where: string): Shared {
  const { artifactType, subject, annotations } = body;
  return {
    ...(typeof artifactType === 'string' && artifactType !== '' && { artifactType }),
    ...(subject !== undefined && subject !== null && { subject: readDescriptor(subject, 'subject', where) }),
    ...(isTextMap(annotations) && { annotations }),
  };
}

function readDescriptors(value: unknown, field: string, where: string): Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`no list as ${field}`, where);
  return value.map((entry, at) => readDescriptor(entry, `${field}[${at}]`, where));
}

/** A descriptor with the fields that we know; a wrong digest or size is refused, not repaired. */
export function readDescriptor(value: unknown, field: string, where: string): Descriptor {
  if (typeof value !== 'object' || value === null) throw invalid(`no descriptor as ${field}`, where);
  const { mediaType, digest, size, platform, artifactType, annotations, urls, data } = value as Json;
  if (typeof digest !== 'string' || !isDigest(digest)) throw invalid(`no digest in ${field}`, where);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`no size in ${field}`, where);
  if (typeof mediaType !== 'string' || mediaType.length > 255)
    throw invalid(`no mediaType in ${field}`, where);
  return {
    mediaType,
    digest,
    size,
    ...(isPlatform(platform) && { platform }),
    ...(typeof artifactType === 'string' && artifactType !== '' && { artifactType }),
    ...(isTextMap(annotations) && { annotations }),
    ...(Array.isArray(urls) && urls.every(url => typeof url === 'string') && urls.length > 0 && { urls }),
    ...(typeof data === 'string' && { data }),
  };
}

function isPlatform(value: unknown): value is Platform {
  if (typeof value !== 'object' || value === null) return false;
  const { os, architecture } = value as Json;
  return typeof os === 'string' && typeof architecture === 'string';
}

function isTextMap(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(item => typeof item === 'string')
  );
}

function unsupported(mediaType: string, where: string): Fault {
  return new Fault('UNSUPPORTED', {
    what: `${where} is neither an image nor an index`,
    where,
    actual: mediaType.slice(0, 200),
  });
}

function invalid(actual: string, where: string, expected?: string, found?: string): Fault {
  return new Fault('CONTENT_INVALID', {
    what: `${where} holds ${actual}`,
    where,
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { actual: found.slice(0, 200) }),
  });
}

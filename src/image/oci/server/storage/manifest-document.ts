import { type Descriptor, isIndexType, isManifestType, mediaTypes } from '../../../../model/descriptor.ts';
import { type Digest, isDigest } from '../../../../model/digest.ts';
import { Refusal } from '../http/refusal.ts';

/** What a registry needs to know of a manifest; everything else in it is kept as bytes and not looked at. */
export interface ManifestDocument {
  readonly mediaType: string;
  /** Blobs that must be in the repository. */
  readonly blobs: readonly Digest[];
  /** Manifests (of an index) that must be in the repository. */
  readonly children: readonly Digest[];
  readonly subject?: Digest;
  /** For the referrers list: `artifactType`, else the media type of the config. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A list of referrers repeats the annotations of each, and clients take lists of 4 MiB: more cannot be listed truthfully. */
const mostListed = 512 * 1024;
const mostReferences = 10_000;
const legalType = /^application\/[a-z0-9][a-z0-9.+_-]{0,180}$/i;

/** Judges the bytes of a PUT; throws MANIFEST_INVALID with the reason. */
export function readManifestDocument(bytes: Uint8Array, contentType: string | undefined): ManifestDocument {
  const root = parseObject(bytes);
  const mediaType = chooseMediaType(root, contentType);
  if ('manifests' in root && 'layers' in root) fail('it holds both "manifests" and "layers"');
  if (isManifestType(mediaType) && (isIndexType(mediaType) ? 'layers' : 'manifests') in root) {
    fail(`its content does not fit its media type ${mediaType}`);
  }
  if (isManifestType(mediaType) && root.schemaVersion !== 2) fail('"schemaVersion" is not 2');
  const config = root.config === undefined ? [] : [readDescriptor(root.config, 'config')];
  const layers = readDescriptors(root.layers ?? root.blobs, 'layers');
  const children = readDescriptors(root.manifests, 'manifests');
  if (layers.length + children.length > mostReferences) fail(`it has more than ${mostReferences} references`);
  const artifactType = textOf(root.artifactType) ?? textOf(config[0]?.mediaType);
  const annotations = readAnnotations(root.annotations);
  if (root.subject !== undefined && JSON.stringify(annotations ?? {}).length > mostListed) {
    fail(`with a subject its annotations may have ${mostListed} bytes at most`);
  }
  return {
    mediaType,
    blobs: [...config, ...layers.filter(layer => !isElsewhere(layer))].map(entry => entry.digest),
    children: children.filter(child => !isElsewhere(child)).map(entry => entry.digest),
    ...(root.subject !== undefined && { subject: readDescriptor(root.subject, 'subject').digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  };
}

/** The entry of a manifest in the referrers list of its subject. */
export function describeReferrer(document: ManifestDocument, digest: Digest, size: number): Descriptor {
  const { mediaType, artifactType, annotations } = document;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  };
}

type Json = Readonly<Record<string, unknown>>;

function parseObject(bytes: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    fail('it is not JSON in UTF-8');
  }
  if (!isObject(value)) fail('it is not a JSON object');
  return value;
}

function chooseMediaType(root: Json, contentType: string | undefined): string {
  const announced = contentType?.split(';')[0]?.trim() || undefined;
  const inside = textOf(root.mediaType);
  if (root.schemaVersion === 1) {
    fail('it is of schema 1, which no current tool writes; push it again with a current tool');
  }
  if (announced !== undefined && inside !== undefined && announced !== inside) {
    fail(`Content-Type ${announced.slice(0, 200)} and mediaType ${inside.slice(0, 200)} differ`);
  }
  const chosen = announced ?? inside ?? ('manifests' in root ? mediaTypes.index : mediaTypes.manifest);
  // Whatever is stored is served under this type; nothing that a browser would run gets in.
  if (!legalType.test(chosen)) fail('its media type is not of the kind application/…');
  return chosen;
}

function readDescriptors(value: unknown, where: string): readonly Entry[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) fail(`"${where}" is not a list`);
  return value.map(entry => readDescriptor(entry, where));
}

interface Entry {
  readonly mediaType: unknown;
  readonly digest: Digest;
  readonly urls: unknown;
}

function readDescriptor(value: unknown, where: string): Entry {
  if (!isObject(value)) fail(`"${where}" is not a descriptor`);
  const { digest, size, mediaType, urls } = value;
  if (typeof digest !== 'string' || !isDigest(digest)) fail(`"${where}" has no legal digest`);
  if (!Number.isSafeInteger(size) || Number(size) < 0) fail(`"${where}" has no legal size`);
  return { mediaType, digest, urls };
}

/** Content that the specification lets live outside: non-distributable layers, and what has `urls`. */
function isElsewhere(entry: Entry): boolean {
  const mediaType = textOf(entry.mediaType) ?? '';
  return (
    (Array.isArray(entry.urls) && entry.urls.length > 0) ||
    mediaType.includes('.nondistributable.') ||
    mediaType.includes('.foreign.')
  );
}

function readAnnotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value) || Object.values(value).some(text => typeof text !== 'string')) {
    fail('"annotations" is not a map of texts');
  }
  return value as Record<string, string>;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(reason: string): never {
  throw new Refusal(400, 'MANIFEST_INVALID', `the manifest is not legal: ${reason}`);
}

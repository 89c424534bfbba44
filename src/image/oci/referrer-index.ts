import { Fault } from '../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes } from '../../model/descriptor.ts';
import { algorithmOf, type Digest, hexOf } from '../../model/digest.ts';
import { type Content, parseContent } from './content.ts';
import type { Manifest } from './registry.ts';
import { digestOf } from './verified.ts';

/** Where registries without the referrers API keep the list (distribution specification, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return `${algorithmOf(subject).slice(0, 32)}-${hexOf(subject).slice(0, 64)}`;
}

/** Names under which evidence about an image is kept beside it; nobody who chooses an image means one of them. */
export function isEvidenceTag(tag: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$/.test(tag);
}

/** What a list of referrers says about a manifest; the type is the true one, whatever others wrote. */
export function describeReferrer(manifest: Manifest): Descriptor {
  const content = parseContent(manifest);
  const { mediaType, digest, size } = manifest.descriptor;
  const artifactType = artifactTypeOf(content);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(content.annotations !== undefined && { annotations: content.annotations }),
  };
}

export function artifactTypeOf(content: Content): string | undefined {
  if (content.artifactType !== undefined) return content.artifactType;
  return content.kind === 'manifest' ? content.config.mediaType : undefined;
}

/** The entries of a fallback index. Something else at that tag is damage that others did, and is never overwritten. */
export function readReferrerIndex(manifest: Manifest | undefined, where: string): readonly Descriptor[] {
  if (manifest === undefined) return [];
  const content = parseContent(manifest);
  if (content.kind === 'index') return content.manifests;
  throw new Fault('CONTENT_INVALID', {
    what: `${where} should list what refers to the image, and holds an image`,
    where,
    expected: mediaTypes.index,
    actual: manifest.descriptor.mediaType,
    next: 'a copy with an old cosign does this; delete the tag and attach the evidence again',
  });
}

export function writeReferrerIndex(entries: readonly Descriptor[]): Manifest {
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: entries }),
  );
  return { descriptor: { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** Each digest once; what comes first counts. */
export function mergeDescriptors(...lists: readonly (readonly Descriptor[])[]): readonly Descriptor[] {
  const byDigest = new Map<Digest, Descriptor>();
  for (const entry of lists.flat()) if (!byDigest.has(entry.digest)) byDigest.set(entry.digest, entry);
  return [...byDigest.values()];
}

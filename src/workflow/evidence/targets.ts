import { basename } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { parseContent } from '../../image/oci/content.ts';
import { formatLocation, type Location } from '../../image/oci/location.ts';
import { open } from '../../image/oci/open.ts';
import { imagesOf } from '../../image/oci/platform.ts';
import type { Call, Manifest, Registry } from '../../image/oci/registry.ts';
import { type Descriptor, formatPlatform } from '../../model/descriptor.ts';

/** One thing that evidence can be about: the image itself, or one platform of it. */
export interface EvidenceTarget {
  readonly subject: Descriptor;
  readonly platform?: string;
}

/** An image whose tag was looked up once; from here on only digests count. */
export interface ResolvedImage {
  readonly registry: Registry;
  readonly location: Location;
  /** As the user wrote it. */
  readonly reference: string;
  /** What evidence calls the image: registry and repository, without tag and digest. */
  readonly name: string;
  readonly targets: readonly [EvidenceTarget, ...EvidenceTarget[]];
  /** The entries of the index, when the image is one. */
  readonly entries: readonly Descriptor[];
}

/** Resolves a name to digests: the image, and with `recursive` every real platform of it as well. */
export async function resolveImage(
  text: string,
  access: RegistryAccess,
  o: Call & { readonly recursive?: boolean } = {},
): Promise<ResolvedImage> {
  const { registry, reference, location } = await open(text, access, o);
  return describeImage(registry, location, await registry.manifest(reference, o), o.recursive);
}

/** The same for an image whose manifest is known. */
export function describeImage(
  registry: Registry,
  location: Location,
  manifest: Manifest,
  recursive = false,
): ResolvedImage {
  const content = parseContent(manifest);
  const entries = content.kind === 'index' ? content.manifests : [];
  const { mediaType, digest, size } = manifest.descriptor;
  requireSha256(digest, formatLocation(location));
  return {
    registry,
    location,
    reference: formatLocation(location),
    name: nameOf(location),
    targets: [
      { subject: { mediaType, digest, size } },
      ...(recursive ? imagesOf(entries).map(toTarget) : []),
    ],
    entries,
  };
}

function toTarget({ mediaType, digest, size, platform }: Descriptor): EvidenceTarget {
  const subject = { mediaType, digest, size };
  return { subject, ...(platform !== undefined && { platform: formatPlatform(platform) }) };
}

/** A folder has no name that others know; its last part is better than its path, which is nobody's business. */
function nameOf(location: Location): string {
  if (location.kind !== 'registry') return basename(location.path);
  const { registry, repository } = location.reference;
  return `${registry === 'docker.io' ? 'index.docker.io' : registry}/${repository}`;
}

function requireSha256(digest: string, where: string): void {
  if (digest.startsWith('sha256:')) return;
  throw new Fault('UNSUPPORTED', {
    what: 'Evidence names images by SHA-256 digests only.',
    where,
    actual: digest.slice(0, 20),
  });
}

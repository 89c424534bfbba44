import { hasCode } from '../ground/fault/fault.ts';
import type { RegistryAccess } from '../image/oci/access.ts';
import { parseContent } from '../image/oci/content.ts';
import type { Location } from '../image/oci/location.ts';
import { open } from '../image/oci/open.ts';
import type { Call, Manifest, Registry } from '../image/oci/registry.ts';
import { readPlatform } from '../image/sbom/catalogue-image.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isDigest } from '../model/digest.ts';
import { parseImageReference } from '../model/image-reference.ts';
import { chooseImage } from './choose-image.ts';

export interface BaseSearch {
  /** What the user names. */
  readonly base: Location | undefined;
  readonly image: Location;
  readonly registry: Registry;
  readonly root: Manifest;
  readonly manifest: Manifest;
}

export interface FoundBase {
  readonly registry: Registry;
  readonly manifest: Descriptor;
}

/**
 * The image that another was built on: the one that is named, or the one in the annotations of the OCI image
 * specification ("Pre-Defined Annotation Keys") when it lies in the same registry. No other registry is asked unbidden.
 */
export async function findBase(
  search: BaseSearch,
  access: RegistryAccess,
  o: Call & { readonly onNote?: (text: string) => void },
): Promise<FoundBase | undefined> {
  if (search.base !== undefined) return await openBase(search.base, search, access, o);
  const told = annotatedBase(search);
  if (told === undefined) return undefined;
  const isNear =
    search.image.kind === 'registry' && told.reference.registry === search.image.reference.registry;
  try {
    if (isNear) return await openBase(told, search, access, o);
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND', 'UNAUTHORIZED', 'DENIED')) throw error;
  }
  const { registry, repository, digest } = told.reference;
  o.onNote?.(`inherited packages are not marked; --base ${registry}/${repository}@${digest} tells them`);
  return undefined;
}

async function openBase(
  location: Location,
  image: BaseSearch,
  access: RegistryAccess,
  o: Call,
): Promise<FoundBase> {
  const platform = await readPlatform(image.registry, image.manifest.descriptor, o);
  const { registry, reference } = await open(location, access, o);
  const manifest = await chooseImage(registry, await registry.manifest(reference, o), platform, o);
  return { registry, manifest: manifest.descriptor };
}

function annotatedBase({ root, manifest }: BaseSearch): (Location & { kind: 'registry' }) | undefined {
  const annotations = { ...parseContent(root).annotations, ...parseContent(manifest).annotations };
  const digest = annotations['org.opencontainers.image.base.digest'];
  const name = annotations['org.opencontainers.image.base.name'];
  if (digest === undefined || name === undefined || !isDigest(digest)) return undefined;
  const parsed = parseImageReference(name.replace(/@.*$/, ''));
  if ('problem' in parsed) return undefined;
  const { registry, repository } = parsed.value;
  return { kind: 'registry', reference: { registry, repository, digest } };
}

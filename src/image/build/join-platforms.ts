import { Fault } from '../../ground/fault/fault.ts';
import { type Descriptor, formatPlatform, mediaTypes, type Platform } from '../../model/descriptor.ts';
import { describeBytes } from '../oci/push-content.ts';
import type { Call } from '../oci/registry.ts';
import type { BuildRequest, Built } from './builder.ts';

export interface PlatformImage {
  readonly platform: Platform;
  /** Of an image that the destination has. */
  readonly descriptor: Descriptor;
}

/** One platform is an image; several become an index that names them. */
export async function joinPlatforms(
  { destination, annotations }: Pick<BuildRequest, 'destination' | 'annotations'>,
  images: readonly PlatformImage[],
  o: Call,
): Promise<Omit<Built, 'builder'>> {
  const [only, ...others] = images;
  if (only === undefined) throw new Fault('USAGE', { what: 'a build needs at least one platform' });
  const platforms = images.map(({ platform, descriptor }) => ({
    platform: formatPlatform(platform),
    digest: descriptor.digest,
  }));
  if (others.length === 0) return { root: only.descriptor, platforms };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ platform, descriptor: { mediaType, digest, size } }) => ({
      mediaType,
      digest,
      size,
      platform,
    })),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  const bytes = Buffer.from(JSON.stringify(index));
  const root = describeBytes(mediaTypes.index, bytes);
  await destination.push({ kind: 'manifest', descriptor: root, bytes }, o);
  return { root, platforms };
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open, registriesOf, toLocation } from '../../../image/oci/open.ts';
import { reachRegistries } from '../../reach-registries.ts';
import { listImages, type ScanImage, type ScannedWithRuns, scanImage } from '../../scan-image.ts';
import { digestOf } from '../handover.ts';
import { type ImageEvidence, requireSbom } from './image-evidence.ts';

/** One image of an index, or the one that it is. */
export interface Platform {
  /** With its repository. */
  readonly ref: string;
  readonly digest: string;
  readonly platform?: string;
}

type Scan = Omit<ScanImage, 'target' | 'sboms'>;

/** Whether the registry has it at all: an entry that waits for its first digest names a tag that there is not. */
export async function isPublished(image: string, o: Scan): Promise<boolean> {
  const location = toLocation(image);
  return await reachRegistries(o, registriesOf(location), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry, reference } = await open(location, access, call);
    return (await registry.head(reference, call)) !== undefined;
  });
}

export async function listPlatforms(image: string, o: Scan): Promise<readonly Platform[]> {
  const location = toLocation(image);
  return await reachRegistries(o, registriesOf(location), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry, reference } = await open(location, access, call);
    const { descriptor } = await registry.manifest(reference, call);
    const images = await listImages(registry, descriptor, call);
    return images.map(one => ({ ...one, ref: `${image.replace(/@.*$/, '')}@${one.digest}` }));
  });
}

/** Matches the signed list of each platform; nothing of the image itself is read. */
export async function scanSboms(
  image: string,
  platforms: readonly Platform[],
  evidence: ImageEvidence,
  folder: string,
  o: Scan,
): Promise<ScannedWithRuns> {
  const sboms = [];
  for (const [at, { ref, digest, platform }] of platforms.entries()) {
    const file = join(folder, `${at}-sbom.json`);
    await writeFile(file, JSON.stringify(requireSbom(ref, evidence)));
    const subject = {
      name: ref,
      digest,
      ...(digest !== digestOf(image) && { indexDigest: digestOf(image) }),
      ...(platform !== undefined && { platform }),
    };
    sboms.push({ file, subject });
  }
  return await scanImage({ ...o, target: image, sboms });
}

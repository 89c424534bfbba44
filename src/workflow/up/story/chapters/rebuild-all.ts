import type { ReleasedImage } from '../../../release-image.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';
import type { Followed } from './pin-bases.ts';
import { describeRelease, reasonOf } from './release-all.ts';
import { releaseService, services } from './release-services.ts';

/** What the plan names, in its order; each goes the whole way again. */
export async function rebuildAll(
  workshop: Workshop,
  teller: Teller,
  { repositories, rebuild }: Followed,
): Promise<ReadonlyMap<string, ReleasedImage>> {
  const rebuilt = new Map<string, ReleasedImage>();
  for (const name of rebuild) {
    const service = services.find(one => one.name === name);
    if (service === undefined) continue;
    const image = await releaseService(workshop, repositories, service);
    rebuilt.set(name, image);
    describeRelease(teller, service, image);
  }
  const images = [...rebuilt.values()];
  teller.claim(
    'with the next base both pass, and are released',
    images.length > 0 && images.every(({ outcome }) => outcome === 'released'),
    images.map(reasonOf).join('; '),
  );
  return rebuilt;
}

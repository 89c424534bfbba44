import { join } from 'node:path';
import { type ReleasedImage, releaseImage } from '../../../release-image.ts';
import { jobEnvironment } from '../job-environment.ts';
import type { Repositories } from '../repositories.ts';
import type { Forge, Workshop } from '../workshop.ts';

export interface Service {
  readonly name: string;
  readonly forge: Forge;
  readonly base: 'debian' | 'alpine';
}

export const services: readonly Service[] = [
  { name: 'catalog', forge: 'github', base: 'debian' },
  { name: 'orders', forge: 'gitlab', base: 'debian' },
  { name: 'cart', forge: 'github', base: 'alpine' },
  { name: 'web', forge: 'gitlab', base: 'alpine' },
];

let runs = 0;

/** One service from the commit to a tag, as a job of its forge would do it. */
export async function releaseService(
  workshop: Workshop,
  { shop }: Pick<Repositories, 'shop'>,
  service: Service,
): Promise<ReleasedImage> {
  const context = join(shop.work, 'services', service.name);
  const env = await jobEnvironment(service.forge, shop.commit, ++runs, workshop);
  return await releaseImage({
    cwd: shop.work,
    env,
    clock: workshop.clock,
    version: workshop.version,
    signal: workshop.signal,
    build: {
      context,
      destination: `${workshop.host}/bookstore/${service.name}`,
      platforms: ['linux/amd64'],
      builder: 'embedded',
    },
    // One engine is all that a machine without scanners has, and the report says that it is one opinion.
    scan: { engines: ['embedded'], database: advisoriesOf(workshop), policy: { requireEngines: 1 } },
    signing: { local: { folder: workshop.sigstore } },
    consumer: {
      promotion: join(shop.work, 'promotion.yaml'),
      allowLocalTrust: true,
      local: { folder: workshop.sigstore },
    },
    tag: '1.0',
  });
}

export function advisoriesOf({ folder }: Workshop): string {
  return join(folder, 'advisories');
}

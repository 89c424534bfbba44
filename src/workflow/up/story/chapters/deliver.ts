import { bumpImages } from '../../../bump-images.ts';
import { promoteImages } from '../../../promote-images.ts';
import type { ReleasedImage } from '../../../release-image.ts';
import { showEnvironments } from '../../../show-environments.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';

/** The same digests go from dev over staging to prod, each time by a commit that the policy allowed. */
export async function deliver(
  workshop: Workshop,
  teller: Teller,
  { shop }: Repositories,
  released: ReadonlyMap<string, ReleasedImage>,
): Promise<void> {
  const { env, signal, sigstore } = workshop;
  const reach = { cwd: shop.work, env, signal, allowLocalTrust: true, local: { folder: sigstore } };
  const images = [...released].map(
    ([name, { digest }]) => `bookstore/${name}=${workshop.host}/bookstore/${name}:1.0@${digest}`,
  );
  const dev = await bumpImages({ ...reach, environment: 'dev', images });
  teller.line(
    `dev      ${dev.changes.length} digests in commit ${(dev.commit ?? '').slice(0, 12)}${dev.rendered ? ', built with kustomize before and after' : ''}`,
  );
  teller.claim('all of them went into one commit', dev.pushed && dev.changes.length === released.size);
  for (const [from, to] of [
    ['dev', 'staging'],
    ['staging', 'prod'],
  ] as const) {
    const moved = await promoteImages({ ...reach, from, to });
    teller.line(
      `${to.padEnd(8)} ${moved.changes.length} digests in commit ${(moved.commit ?? '').slice(0, 12)}`,
    );
  }
  const { services } = await showEnvironments({ cwd: shop.work, env, signal });
  const isSame = services.every(
    ({ name, cells }) =>
      cells.length === 3 &&
      cells.every(
        ({ digest, inRegistry }) =>
          digest === released.get(name.replace('bookstore/', ''))?.digest && inRegistry === true,
      ),
  );
  teller.claim(
    'dev, staging and prod run the same bytes, and the registry has them',
    services.length === released.size && isSame,
  );
}

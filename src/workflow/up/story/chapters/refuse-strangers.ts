import { join } from 'node:path';
import { hasCode } from '../../../../ground/fault/fault.ts';
import { buildImage } from '../../../build-image.ts';
import { bumpImages } from '../../../bump-images.ts';
import { gateImage } from '../../../gate-image.ts';
import type { ReleasedImage } from '../../../release-image.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';
import { askCluster } from './ask-cluster.ts';

/** An image that nobody signed, and one that is named by a tag: neither comes in, by any door. */
export async function refuseStrangers(
  workshop: Workshop,
  teller: Teller,
  repositories: Repositories,
  passed: ReadonlyMap<string, ReleasedImage>,
): Promise<string> {
  const { shop } = repositories;
  const { env, signal, clock, version, host, sigstore } = workshop;
  const unsigned = await buildImage({
    cwd: shop.work,
    context: join(shop.work, 'services', 'web'),
    destination: `${host}/bookstore/stranger`,
    platforms: ['linux/amd64'],
    builder: 'embedded',
    env,
    clock,
    version,
    signal,
  });
  const trust = {
    promotion: join(shop.work, 'promotion.yaml'),
    allowLocalTrust: true,
    local: { folder: sigstore },
  };
  const verdict = await gateImage({ env, signal, clock, ...trust, reference: unsigned.image });
  const codes = verdict.components.flatMap(({ violations }) => violations.map(({ code }) => code));
  teller.line(`unsigned   ${unsigned.image.slice(0, 60)}…   ${verdict.decision}: ${codes[0] ?? ''}`);
  teller.claim(
    'an unsigned image is denied',
    verdict.decision === 'deny' && codes.some(code => code.includes('signature')),
    codes.join(', '),
  );
  const byTag = `${host}/bookstore/web:1.0`;
  const reach = { cwd: shop.work, env, signal, allowLocalTrust: true, local: { folder: sigstore } };
  const refusal = await bumpImages({
    ...reach,
    environment: 'prod',
    images: [`bookstore/web=${byTag}`],
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  teller.line(`by tag     ${byTag}   ${refusal instanceof Error ? refusal.message : 'accepted'}`);
  teller.claim(
    'an image named by a tag is refused before Git is touched',
    hasCode(refusal, 'REFERENCE_INVALID'),
  );
  await askCluster(workshop, teller, repositories, passed, unsigned.image);
  return unsigned.image;
}

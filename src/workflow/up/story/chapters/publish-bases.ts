import { join } from 'node:path';
import { buildImage } from '../../../build-image.ts';
import { copyImage } from '../../../copy-image.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';

/** Somebody else publishes a base image: a new digest under the same tag. */
export async function publishBase(
  workshop: Workshop,
  folder: string,
  image: { readonly repository: string; readonly tag: string },
): Promise<string> {
  const { host, example, clock, version, env, signal } = workshop;
  const { repository, tag } = image;
  const built = await buildImage({
    cwd: example,
    context: join(example, 'upstream', folder),
    destination: `${host}/${repository}`,
    platforms: ['linux/amd64'],
    builder: 'embedded',
    epoch: Math.floor(clock.now().getTime() / 1000),
    env,
    clock,
    version,
    signal,
  });
  await copyImage({
    env,
    signal,
    source: built.image,
    target: `${host}/${repository}:${tag}`,
    evidence: false,
  });
  return built.digest;
}

export const debian = { repository: 'upstream/debian', tag: '12' };
export const alpine = { repository: 'upstream/alpine', tag: '3.20' };

export async function publishBases(workshop: Workshop, teller: Teller): Promise<{ readonly debian: string }> {
  const first = await publishBase(workshop, 'debian-1', debian);
  const other = await publishBase(workshop, 'alpine-1', alpine);
  teller.line(`debian:12     ${first}`);
  teller.line(`alpine:3.20   ${other}`);
  return { debian: first };
}

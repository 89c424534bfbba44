import { Fault } from '../../ground/fault/fault.ts';
import { copyImage } from '../copy-image.ts';
import type { FleetPlace } from '../images/fleet-place.ts';
import { readFleet, selectImages } from '../images/read-fleet.ts';
import { inspectImage } from '../inspect-image.ts';
import type { ReachOptions } from '../reach-registries.ts';
import { repositoryOf } from './build-stage.ts';
import { digestOf, writeHandover } from './handover.ts';

export interface PublishStage extends ReachOptions, FleetPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ref: string;
  readonly image: string;
  readonly out?: string;
}

/** What one image of a pipeline became; `cg ci collect` puts them together. */
export interface PublishedImage {
  readonly image: string;
  readonly ref: string;
  readonly tagged: string;
  readonly platforms: readonly string[];
  readonly commit?: string;
  /** How many things refer to it. */
  readonly evidence: number;
}

/** Gives the digest the tag of its entry: the last thing that happens to it, after it was verified. */
export async function publishStage(o: PublishStage): Promise<PublishedImage> {
  const fleet = await readFleet(o);
  const [entry] = selectImages(fleet, [o.image]);
  digestOf(o.ref);
  const repository = entry === undefined ? '' : repositoryOf(entry, fleet.file);
  if (entry === undefined || o.ref.replace(/@.*$/, '') !== repository)
    throw new Fault('USAGE', {
      what: `${o.image} is not published there`,
      where: fleet.file,
      expected: `${repository}@sha256:…`,
      actual: o.ref.slice(0, 300),
    });
  const { children = [], referrers = [] } = await inspectImage({ ...o, image: o.ref });
  if (referrers.length === 0)
    throw new Fault('USAGE', {
      what: 'nothing vouches for this digest, so it gets no tag',
      where: o.ref,
      next: `cg ci attest ${o.ref} --scan FOLDER, then cg ci sign ${o.ref}`,
    });
  const tagged = `${repository}:${entry.tag}`;
  await copyImage({ ...o, source: o.ref, target: tagged, evidence: false });
  const commit = o.env['GITHUB_SHA'] || o.env['CI_COMMIT_SHA'];
  const result: PublishedImage = {
    image: o.image,
    ref: o.ref,
    tagged,
    platforms: children.flatMap(({ platform }) => platform ?? []),
    evidence: referrers.length,
    ...(commit && { commit }),
  };
  if (o.out !== undefined) await writeHandover(o.out, o.cwd, { ...result });
  return result;
}

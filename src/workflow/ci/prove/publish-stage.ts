import { Fault } from '../../../ground/fault/fault.ts';
import { verdictFault } from '../../gitops/require-evidence.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { readFleet, selectImages } from '../../images/read-fleet.ts';
import { inspectImage } from '../../inspect-image.ts';
import { repositoryOf } from '../build-stage.ts';
import { findPolicy } from '../find-policy.ts';
import { digestOf, writeHandover } from '../handover.ts';
import { setTags, tagOfCommit } from './set-tags.ts';
import { expectedSource, type VerifyStage, verifyStage } from './verify-stage.ts';

export interface PublishStage extends VerifyStage, FleetPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
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

/** Gives the digest the tags of its entry and of its commit: the last thing that happens to it. It is verified here, whatever ran before. */
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
  const choice = { ...o, ...(await findPolicy(o)) };
  if (choice.policy === undefined && choice.promotion === undefined)
    throw new Fault('USAGE', {
      what: 'only what was verified gets a tag, and no policy says what is demanded',
      expected: '--policy FILE, or policy.yaml in this folder',
    });
  const { verdict } = await verifyStage(choice);
  if (verdict.decision !== 'allow') throw verdictFault(verdict, o.ref, { name: 'the project', ...choice });
  const { children = [], referrers = [] } = await inspectImage({ ...o, image: o.ref });
  const tagged = `${repository}:${entry.tag}`;
  const commit = expectedSource(o.env)?.revision;
  await setTags(o.ref, [entry.tag, ...(commit === undefined ? [] : [tagOfCommit(commit)])], o);
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

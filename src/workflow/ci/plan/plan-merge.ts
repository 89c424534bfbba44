import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { resolveBases } from '../../build/resolve-bases.ts';
import { choosePlatforms } from '../../build-image.ts';
import type { Fleet } from '../../images/read-fleet.ts';
import { reachRegistries } from '../../reach-registries.ts';
import { repositoryOf } from '../build-stage.ts';
import { builtHere, hashInputs, joinInputs } from './build-inputs.ts';
import { problemOfCommit } from './commit-history.ts';
import type { PlannedImage } from './planned-image.ts';
import { problemOfInputs, type ReadPublished, readPublished } from './published-image.ts';

export type PlanMerge = ReadPublished;

/**
 * After a merge only what is published counts, by its signed provenance: a run that failed, a new branch and
 * evidence that nobody vouches for never skip a build. Nor does what was built from a commit that this one does not
 * follow: of it nothing says that its inputs were ever these.
 */
export async function planMerge(fleet: Fleet, o: PlanMerge): Promise<readonly PlannedImage[]> {
  const images = builtHere(fleet);
  if (images.length === 0) return [];
  if (o.policy === undefined && o.promotion === undefined)
    return images.map(({ name }) => ({
      image: name,
      build: true,
      reason: 'no policy says whose provenance could be believed',
    }));
  const published = await readPublished(
    images.map(image => ({
      name: image.name,
      image: `${repositoryOf(image, fleet.file)}:${image.tag}`,
    })),
    o,
  );
  const problem = async (commit: string | undefined) => await problemOfCommit(fleet.root, commit, o);
  return await reachRegistries(o, hostsOf(images), async access => {
    const planned: PlannedImage[] = [];
    for (const image of images) {
      const known = published.get(image.name);
      if (known === undefined || 'reason' in known) {
        planned.push({ image: image.name, build: true, reason: known?.reason ?? 'it is not published' });
        continue;
      }
      const { inputs, dockerfile } = await hashInputs(fleet, image, o);
      const { all } = await resolveBases(dockerfile, {
        access,
        platforms: choosePlatforms(image.platforms),
        buildArgs: image.buildArgs,
        ...(image.target !== undefined && { target: image.target }),
        ...(o.signal !== undefined && { signal: o.signal }),
      });
      const now = joinInputs(inputs, [...all.values()]);
      const difference = await problemOfInputs(now, known, problem);
      planned.push({
        image: image.name,
        build: difference !== undefined,
        reason: difference ?? `${known.ref} was built from the same`,
        inputs: now.digest,
        published: known.ref,
      });
    }
    return planned;
  });
}

function hostsOf(images: readonly EnrolledImage[]): string[] {
  return [...new Set(images.flatMap(({ registry }) => registry?.split('/')[0] ?? []))];
}

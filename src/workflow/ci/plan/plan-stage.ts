import { Fault } from '../../../ground/fault/fault.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { readFleet } from '../../images/read-fleet.ts';
import { findPolicy } from '../find-policy.ts';
import { writeHandover } from '../handover.ts';
import { type PlanMerge, planMerge } from './plan-merge.ts';
import { planRequest } from './plan-request.ts';
import type { PlannedImage } from './planned-image.ts';

export type { PlannedImage } from './planned-image.ts';

export interface PlanStage extends PlanMerge, FleetPlace {
  readonly cwd: string;
  readonly event: 'pr' | 'merge';
  readonly base?: string;
  readonly out?: string;
}

export interface PlannedPipeline {
  readonly event: 'pr' | 'merge';
  /** The commit that a change is compared with. */
  readonly base?: string;
  /** Names of the images to build. */
  readonly images: readonly string[];
  readonly any: boolean;
  /** What is published of the others: with what is built, the whole release. */
  readonly kept: readonly { readonly image: string; readonly ref: string }[];
  /** Every image that is built here, planned or not. */
  readonly decisions: readonly PlannedImage[];
}

/** Which images a pipeline has to build. Whatever is not certain is built. */
export async function planStage(o: PlanStage): Promise<PlannedPipeline> {
  if (o.event === 'merge' && o.base !== undefined)
    throw new Fault('USAGE', {
      what: 'after a merge nothing is compared with a commit: what is published decides',
      expected: '--base only with --event pr',
    });
  const fleet = await readFleet(o);
  const planned =
    o.event === 'pr'
      ? await planRequest(fleet, o)
      : { images: await planMerge(fleet, { ...o, ...(await findPolicy(o)) }) };
  const images = planned.images.filter(({ build }) => build).map(({ image }) => image);
  const any = images.length > 0;
  const kept = planned.images.flatMap(({ image, build, published }) =>
    build || published === undefined ? [] : [{ image, ref: published }],
  );
  if (o.out !== undefined) await writeHandover(o.out, o.cwd, { images, any, kept });
  return {
    event: o.event,
    ...('base' in planned && { base: planned.base }),
    images,
    any,
    kept,
    decisions: planned.images,
  };
}

import type { ImageChange, ImagePin } from '../delivery/gitops/image-file.ts';
import { Fault } from '../ground/fault/fault.ts';
import { formatDuration } from '../ground/terminal/amounts.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { type EnvironmentFile, readEnvironment } from './gitops/edit-environment.ts';
import {
  type Environment,
  environmentBefore,
  findEnvironment,
  readDeployment,
} from './gitops/environments.ts';
import { type PinHistories, readPinHistories } from './gitops/pin-history.ts';
import { imageTrailers, type PinImagesOptions, type PinnedImages, pinImages } from './gitops/pin-images.ts';
import type { CheckedImage } from './gitops/require-evidence.ts';

export interface PromoteImagesOptions extends PinImagesOptions {
  readonly from: string;
  readonly to: string;
  /** Entries to promote; all of them without any. */
  readonly names?: readonly string[];
  /** Why a condition may be left out; the commit says so. */
  readonly hotfix?: string;
  readonly clock?: Clock;
}

export interface PromotedImages extends PinnedImages {
  readonly from: string;
  readonly conditions: readonly Condition[];
}

export type ConditionCode = 'order' | 'not-in-source' | 'not-running' | 'soak' | 'evidence';

/** What must hold before an image moves; one that could not be looked at is said to be unseen. */
export interface Condition {
  readonly code: ConditionCode;
  readonly image?: string;
  readonly holds: boolean | 'unseen' | 'waived';
  readonly detail: string;
}

interface Moving {
  readonly pin: ImagePin;
  readonly image: string;
}

/** Moves digests from one environment to the next: the same bytes, never a tag, all of them or none. */
export async function promoteImages(o: PromoteImagesOptions): Promise<PromotedImages> {
  const deployment = await readDeployment(o);
  const [source, target] = [findEnvironment(deployment, o.from), findEnvironment(deployment, o.to)];
  const conditions = new Map<string, Condition>();
  const note = (condition: Condition) =>
    conditions.set(`${condition.code} ${condition.image ?? ''}`, condition);
  const before = environmentBefore(deployment, target);
  note({
    code: 'order',
    holds: before?.name === source.name || (o.hotfix !== undefined && 'waived'),
    detail:
      before === undefined
        ? `nothing comes before ${target.name}`
        : `${target.name} comes after ${before.name}`,
  });
  note({ code: 'not-running', holds: 'unseen', detail: 'no cluster is configured: what Git says was taken' });
  const done = await pinImages(
    o,
    { deployment, environment: target },
    {
      verb: 'deploy',
      wholeHistory: true,
      propose: async (file, head, ask) => {
        const from = await readEnvironment(head, source);
        const moving = findMoving(from, source, file.pins, o);
        const histories = await readPinHistories(head, from);
        for (const one of moving) note(soakOf(one, histories, source, target, o));
        refuseUnmet([...conditions.values()]);
        for (const { image } of moving) note(evidenceCondition(await ask(image)));
        return moving.map(toChange);
      },
      trailers: (changes, head) => [
        ...imageTrailers(changes),
        ['Promoted-From', `${source.name}@${head.commit}`],
        ...(o.hotfix === undefined ? [] : ([['Hotfix-Reason', o.hotfix]] as const)),
      ],
    },
  );
  return { ...done, from: source.name, conditions: [...conditions.values()] };
}

function toChange({ pin: { name, digest = '', tag, newName } }: Moving): ImageChange {
  return {
    name,
    digest,
    ...(tag !== undefined && { tag }),
    ...(newName !== undefined && { newName }),
    add: true,
  };
}

function evidenceCondition({ image, evidence, local, failed }: CheckedImage): Condition {
  if (evidence === 'unverified')
    return {
      code: 'evidence',
      image,
      holds: 'waived',
      detail: failed.length === 0 ? 'nobody was asked' : `the policy denies it: ${failed.join(', ')}`,
    };
  const detail = local ? 'allowed, with local trust' : 'allowed by the policy';
  return { code: 'evidence', image, holds: true, detail };
}

function findMoving(
  { pins, path }: EnvironmentFile,
  source: Environment,
  targetPins: readonly ImagePin[],
  o: PromoteImagesOptions,
): readonly Moving[] {
  const names = o.names ?? [];
  const missing = names.filter(name => !pins.some(pin => pin.name === name));
  if (missing.length > 0) {
    throw new Fault('PROMOTION_REFUSED', {
      what: `${source.name} does not pin ${missing.join(', ')} (not-in-source)`,
      where: path,
      expected: pins.map(({ name }) => name).join(', ') || 'at least one image',
    });
  }
  const chosen = names.length === 0 ? pins : pins.filter(({ name }) => names.includes(name));
  const unpinned = chosen.filter(({ digest }) => digest === undefined);
  if (unpinned.length > 0) {
    throw new Fault('PROMOTION_REFUSED', {
      what: `${source.name} pins ${unpinned.map(({ name }) => name).join(', ')} without a digest (not-in-source)`,
      where: path,
      next: `cg bump ${source.name} IMAGE@sha256:…`,
    });
  }
  return chosen
    .filter(pin => targetPins.find(({ name }) => name === pin.name)?.digest !== pin.digest)
    .map(pin => ({ pin, image: `${pin.newName ?? pin.name}@${pin.digest}` }));
}

function soakOf(
  { pin, image }: Moving,
  histories: PinHistories,
  source: Environment,
  target: Environment,
  o: PromoteImagesOptions,
): Condition {
  const [current] = histories.get(pin.name) ?? [];
  const now = (o.clock ?? systemClock).now().getTime();
  const age = current === undefined ? 0 : now - current.since * 1000;
  const holds = age >= target.soak || (o.hotfix !== undefined && 'waived');
  return {
    code: 'soak',
    image,
    holds,
    detail: `in ${source.name} for ${formatDuration(Math.max(0, age))}, ${target.soak === 0 ? 'no wait is asked for' : `${formatDuration(target.soak)} are asked for`}`,
  };
}

function refuseUnmet(conditions: readonly Condition[]): void {
  const unmet = conditions.filter(({ holds }) => holds === false);
  if (unmet.length === 0) return;
  throw new Fault('PROMOTION_REFUSED', {
    what: `${unmet.length === 1 ? 'a condition does' : `${unmet.length} conditions do`} not hold: ${unmet.map(({ code }) => code).join(', ')}`,
    actual: unmet
      .map(({ code, image, detail }) => `${code}${image === undefined ? '' : ` of ${image}`}: ${detail}`)
      .join('; '),
    next: 'wait, promote in order, or --hotfix REASON, which the commit records',
  });
}

import { arrangeWaves, type CascadeImage, type RebuildCause, type Wave } from '../fleet/cascade.ts';
import { BaseBook } from '../fleet/state/base-book.ts';
import { type ImageRecord, readImageState } from '../fleet/state/image-state.ts';
import { StateFolder } from '../fleet/state/state-folder.ts';
import type { Clock } from '../model/clock.ts';
import {
  checkFleet,
  findCycle,
  findNearOwn,
  graphOf,
  publishedNames,
  refuseProblems,
} from './images/check-fleet.ts';
import type { BaseDecision } from './images/check-result.ts';
import { decideBases } from './images/decide-bases.ts';
import { discoverFleet, type ImageView } from './images/discover-fleet.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { readFleet, selectImages } from './images/read-fleet.ts';

export type { RebuildCause, Wave } from '../fleet/cascade.ts';

export interface PlanCascadeOptions extends FleetPlace {
  readonly clock: Clock;
  /** Only what these images lead to. */
  readonly images?: readonly string[];
  /** Hears what this plan cannot speak of. */
  readonly onNote?: (text: string) => void;
}

export interface CascadePlan {
  /** In order: everything of a wave is built before the next one begins. */
  readonly waves: readonly Wave[];
  /** What would be in the plan but for the quarantine. */
  readonly waiting: readonly BaseDecision[];
}

/** Which images have to be rebuilt, why, and in which order. Reads what is known here; asks no registry. */
export async function planCascade(o: PlanCascadeOptions): Promise<CascadePlan> {
  const fleet = await readFleet(o);
  refuseProblems(fleet.file, (await checkFleet(fleet)).errors);
  const state = await StateFolder.open(fleet.root, o.stateDir);
  const book = new BaseBook(state);
  const views = await discoverFleet(fleet.root, fleet.images, state, book);
  const cycle = findCycle(fleet, views);
  if (cycle !== undefined) throw cycle;
  for (const text of [...findNearOwn(views), ...findUnseen(views, book, fleet.images)]) o.onNote?.(text);
  const own = publishedNames(fleet.images);
  const now = o.clock.now();
  const decisions = await decideBases(views, book, { now, own });
  const chosen = new Set(selectImages(fleet, o.images ?? []).map(({ name }) => name));
  const byImage = groupByImage(decisions);
  const records = new Map(
    views.flatMap(({ image }) => {
      const file = state.images.get(image.name);
      return file === undefined
        ? []
        : [[image.name, readImageState(file, stem => book.identityOf(stem))] as const];
    }),
  );
  const images = views
    .filter(({ image }) => image.isManaged)
    .map(view => {
      const mine = chosen.has(view.image.name) ? (byImage.get(view.image.name) ?? []) : [];
      return toCascadeImage(view, records, mine, own);
    });
  return {
    waves: arrangeWaves(images, graphOf(views), now),
    waiting: decisions.filter(
      ({ outcome, image }) => chosen.has(image) && (outcome === 'waiting' || outcome === 'starved'),
    ),
  };
}

/** Of what was never looked at nothing is known, which is not the same as that nothing has to be done. */
function findUnseen(
  views: readonly ImageView[],
  book: BaseBook,
  images: Parameters<typeof publishedNames>[0],
): readonly string[] {
  const own = publishedNames(images);
  return views.flatMap(({ image, uses, problem }) => {
    if (problem !== undefined) return `${image.name} is not in this plan: ${problem}`;
    const unseen = uses.filter(
      ({ identity }) => !own.has(identity) && (book.get(identity)?.ledger.history ?? []).length === 0,
    );
    return unseen.map(
      ({ identity }) => `${image.name}: ${identity} was never looked at; cg images check does`,
    );
  });
}

function toCascadeImage(
  { image, uses }: ImageView,
  records: ReadonlyMap<string, ImageRecord>,
  decisions: readonly BaseDecision[],
  own: ReadonlyMap<string, string>,
): CascadeImage {
  const record = records.get(image.name);
  const causes = decisions.flatMap((decision): RebuildCause[] => {
    const source = own.get(decision.identity);
    if (source !== undefined) return causeOfOwn(source, records, record);
    const wanted = decision.outcome === 'eligible' ? decision.digest : decision.pinned;
    const from =
      record?.builtFrom[decision.base] ?? (decision.outcome === 'eligible' ? decision.pinned : wanted);
    if (wanted === undefined || wanted === from) return [];
    return [{ kind: 'base', base: decision.base, to: wanted, ...(from !== undefined && { from }) }];
  });
  return {
    name: image.name,
    causes: uses.length === 0 ? [] : causes,
    autoRebuild: image.autoRebuild,
    rebuildDelay: image.rebuildDelay,
    ...(record?.lastBuilt !== undefined && { lastBuilt: record.lastBuilt }),
  };
}

/** Another image of the fleet was built since this one was: only when both builds are recorded is that known. */
function causeOfOwn(
  source: string,
  records: ReadonlyMap<string, ImageRecord>,
  record: ImageRecord | undefined,
): RebuildCause[] {
  const now = records.get(source)?.currentDigest;
  const then = record?.builtFrom[source];
  return now === undefined || then === undefined || now === then ? [] : [{ kind: 'image', image: source }];
}

function groupByImage(decisions: readonly BaseDecision[]): ReadonlyMap<string, readonly BaseDecision[]> {
  const groups = new Map<string, BaseDecision[]>();
  for (const decision of decisions) {
    const group = groups.get(decision.image);
    if (group === undefined) groups.set(decision.image, [decision]);
    else group.push(decision);
  }
  return groups;
}

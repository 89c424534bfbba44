import { nameBase } from '../../fleet/base-name.ts';
import type { BaseUse } from '../../fleet/enrolment.ts';
import { decideQuarantine, type Hold, type Quarantine } from '../../fleet/quarantine.ts';
import type { BaseBook } from '../../fleet/state/base-book.ts';
import { defined } from '../../model/defined.ts';
import type { BaseDecision } from './check-result.ts';
import type { ImageView } from './discover-fleet.ts';

/** Says whether a digest can still be had and runs where the consumer runs; undefined when it does. */
export type CandidateCheck = (
  identity: string,
  digest: string,
  platforms: readonly string[],
) => Promise<Hold | undefined>;

export interface DecideOptions {
  readonly now: Date;
  /** Identities that images of the fleet publish: no waiting for one's own. */
  readonly own: ReadonlyMap<string, string>;
  readonly checkCandidate?: CandidateCheck;
}

/** What each consumer may do about each of its bases; nobody's patience counts for another. */
export async function decideBases(
  views: readonly ImageView[],
  book: BaseBook,
  o: DecideOptions,
): Promise<readonly BaseDecision[]> {
  const decisions: BaseDecision[] = [];
  for (const view of views) {
    for (const use of view.uses) {
      const decision = await decideUse(view, use, book, o);
      if (decision !== undefined) decisions.push(decision);
    }
  }
  return decisions;
}

async function decideUse(
  { image }: ImageView,
  use: BaseUse,
  book: BaseBook,
  o: DecideOptions,
): Promise<BaseDecision | undefined> {
  const mentions = use.mentions.filter(({ kind }) => kind !== 'frontend');
  const record = book.get(use.identity);
  if (record === undefined || mentions.length === 0 || 'problem' in nameBase(use.identity)) return undefined;
  const isOwn = o.own.has(use.identity) && !image.hasOwnWindow;
  const rule = isOwn ? { ...image.quarantine, window: 0 } : image.quarantine;
  const pins = [...new Set(mentions.flatMap(({ pinned }) => pinned ?? []))];
  const { current, history } = record.ledger;
  const lost: Hold[] = [];
  let decision: Quarantine;
  // Each turn finds one digest that is lost, so there are at most as many turns as digests.
  for (;;) {
    decision = decideQuarantine({
      rule,
      history,
      pins,
      now: o.now,
      lost,
      allowedNow: record.allowances.map(({ digest }) => digest),
      ...(current !== undefined && { current }),
    });
    if (decision.outcome !== 'eligible' || o.checkCandidate === undefined) break;
    const hold = await o.checkCandidate(use.identity, decision.digest, image.platforms);
    if (hold === undefined) break;
    lost.push(hold);
  }
  return {
    ...decision,
    image: image.name,
    base: record.stem,
    identity: use.identity,
    window: rule.window,
    ...defined({ pinned: pins[0] }),
  };
}

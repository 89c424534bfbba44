import type { Observation } from './ledger.ts';

export interface QuarantineRule {
  /** How long a digest must have been known to us; milliseconds, 0 for none. */
  readonly window: number;
  readonly select: 'newest-eligible' | 'current';
  /** Digests that are never taken. */
  readonly deny: readonly string[];
}

export type HoldReason = 'withdrawn' | 'denied' | 'short-lived' | 'platform-lost';

export interface Hold {
  readonly digest: string;
  readonly reason: HoldReason;
}

export interface QuarantineInput {
  readonly rule: QuarantineRule;
  /** Everything seen under the tag, newest first. */
  readonly history: readonly Observation[];
  /** What the tag serves now. */
  readonly current?: string;
  /** What the consumer stands on; several when its lines disagree. */
  readonly pins: readonly string[];
  readonly now: Date;
  /** Digests that the registry no longer has, or that lack a platform of the consumer. */
  readonly lost?: readonly Hold[];
  /** Digests that somebody answers for: they wait for nothing. */
  readonly allowedNow?: readonly string[];
}

export type QuarantineOutcome =
  /** There is nothing newer than the pin. */
  | { readonly outcome: 'up-to-date' }
  | { readonly outcome: 'eligible'; readonly digest: string; readonly observedAt: string }
  | { readonly outcome: 'waiting'; readonly digest: string; readonly eligibleAt: string }
  /** The tag changes faster than the window, and only what it serves may be taken. */
  | {
      readonly outcome: 'starved';
      readonly digest: string;
      readonly eligibleAt: string;
      readonly days: number;
    }
  | { readonly outcome: 'held'; readonly digest: string; readonly reason: HoldReason };

export type Quarantine = QuarantineOutcome & { readonly holds: readonly Hold[] };

const shortLife = 6 * 3_600_000;
const day = 86_400_000;

/** Which digest a consumer may stand on now: the newest that is old enough, never one from before its pin. */
export function decideQuarantine(input: QuarantineInput): Quarantine {
  const newer = newerThanPin(input);
  const holds = newer.flatMap(seen => holdOf(seen, input) ?? []);
  const held = new Set(holds.map(({ digest }) => digest));
  const free = newer.filter(({ digest }) => !held.has(digest));
  const candidates =
    input.rule.select === 'current' ? free.filter(({ digest }) => digest === input.current) : free;
  return { ...choose(candidates, newer, holds, input), holds };
}

function choose(
  candidates: readonly Observation[],
  newer: readonly Observation[],
  holds: readonly Hold[],
  input: QuarantineInput,
): QuarantineOutcome {
  const now = input.now.getTime();
  const eligible = candidates.find(
    seen => eligibleTime(seen, input) <= now || input.allowedNow?.includes(seen.digest) === true,
  );
  if (eligible !== undefined)
    return { outcome: 'eligible', digest: eligible.digest, observedAt: eligible.observedAt };
  const next = candidates.toSorted((a, b) => eligibleTime(a, input) - eligibleTime(b, input))[0];
  if (next === undefined) {
    const [hold] = holds;
    return hold === undefined ? { outcome: 'up-to-date' } : { outcome: 'held', ...hold };
  }
  const waiting = {
    digest: next.digest,
    eligibleAt: new Date(eligibleTime(next, input)).toISOString().replace(/\.000Z$/, 'Z'),
  };
  const oldest = newer.at(-1);
  const starvedFor = oldest === undefined ? 0 : now - Date.parse(oldest.observedAt);
  const isStarved = input.rule.select === 'current' && newer.length > 1 && starvedFor >= input.rule.window;
  return isStarved
    ? { outcome: 'starved', ...waiting, days: Math.floor(starvedFor / day) }
    : { outcome: 'waiting', ...waiting };
}

/**
 * Never back: what was first seen after the pin was. A pin that we saw only in the Dockerfile may also be followed by
 * what the tag serves now. The order of the history decides, because two sights may share a second.
 */
function newerThanPin({ history, pins, current }: QuarantineInput): readonly Observation[] {
  const isSeen = (seen: Observation) => seen.isForeign !== true && !pins.includes(seen.digest);
  if (pins.length === 0) return history.filter(isSeen);
  const floor = history.findIndex(({ digest }) => pins.includes(digest));
  const isForeignPin = history[floor]?.isForeign === true || floor < 0;
  return history.filter(
    (seen, index) => isSeen(seen) && (index < floor || (isForeignPin && seen.digest === current)),
  );
}

function holdOf(seen: Observation, input: QuarantineInput): Hold | undefined {
  const { rule, history, current, now, lost = [] } = input;
  const { digest } = seen;
  if (rule.deny.includes(digest)) return { digest, reason: 'denied' };
  const gone = lost.find(hold => hold.digest === digest);
  if (gone !== undefined) return gone;
  // The publisher moved the tag back to an earlier digest: it took this one away.
  if (history.findIndex(other => other.digest === current) > history.indexOf(seen))
    return { digest, reason: 'withdrawn' };
  const observed = Date.parse(seen.observedAt);
  const life =
    seen.supersededAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(seen.supersededAt) - observed;
  const isYoung = now.getTime() - observed < 2 * rule.window;
  return life < shortLife && isYoung && !input.allowedNow?.includes(digest)
    ? { digest, reason: 'short-lived' }
    : undefined;
}

function eligibleTime({ observedAt }: Observation, { rule }: QuarantineInput): number {
  return Date.parse(observedAt) + rule.window;
}

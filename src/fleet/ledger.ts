/** A digest that a tag served, and when we saw it first. Nobody but us says when that was. */
export interface Observation {
  readonly digest: string;
  readonly observedAt: string;
  /** When the tag served something else. */
  readonly supersededAt?: string;
  /** What the image says of itself; information only. */
  readonly publishedAt?: string;
  readonly promotedAt?: string;
  /** Seen as a pin in a Dockerfile, never under the tag. */
  readonly isForeign?: boolean;
}

export interface Ledger {
  readonly current?: string;
  /** Newest first. */
  readonly history: readonly Observation[];
}

export type Change = 'new' | 'ok' | 'drift';

/** What a look at the tag adds to what is known of it; the same ledger when it adds nothing. */
export function observe(
  ledger: Ledger,
  digest: string,
  at: string,
  publishedAt?: string,
): { readonly ledger: Ledger; readonly change: Change } {
  if (ledger.current === digest && ledger.history.some(seen => seen.digest === digest && !seen.isForeign))
    return { ledger, change: 'ok' };
  const superseded = ledger.history.map(seen => {
    // Served again: its time is not over, and its first sight stays what it was.
    if (seen.digest === digest && !seen.isForeign) return withoutEnd(seen);
    return seen.digest === ledger.current && seen.supersededAt === undefined
      ? { ...seen, supersededAt: at }
      : seen;
  });
  const isKnown = superseded.some(seen => seen.digest === digest && !seen.isForeign);
  const fresh: Observation = { digest, observedAt: at, ...(publishedAt !== undefined && { publishedAt }) };
  const history = isKnown ? superseded : [fresh, ...superseded.filter(seen => seen.digest !== digest)];
  return {
    ledger: { current: digest, history: sortNewestFirst(history) },
    change: ledger.current === undefined || ledger.current === digest ? 'new' : 'drift',
  };
}

/** A pin that somebody wrote by hand and that the tag never served while we looked: known from now on. */
export function observePin(ledger: Ledger, digest: string, at: string): Ledger {
  if (ledger.history.some(seen => seen.digest === digest)) return ledger;
  const foreign: Observation = { digest, observedAt: at, isForeign: true };
  return { ...ledger, history: sortNewestFirst([...ledger.history, foreign]) };
}

const fewest = 10;

/** Ten entries, everything younger than two of the longest windows, and the newest that is older. */
export function trimHistory(
  { current, history }: Ledger,
  longestWindow: number,
  now: Date,
  /** What somebody stands on is never forgotten: nobody may go back behind it. */
  pins: ReadonlySet<string>,
): Ledger {
  const firstOld = history.findIndex(
    seen => now.getTime() - Date.parse(seen.observedAt) >= 2 * longestWindow,
  );
  const keep = Math.max(fewest, firstOld < 0 ? history.length : firstOld + 1);
  const kept = history.filter(({ digest }, index) => index < keep || pins.has(digest) || digest === current);
  return { ...(current !== undefined && { current }), history: kept };
}

function withoutEnd({ supersededAt: _end, ...seen }: Observation): Observation {
  return seen;
}

function sortNewestFirst(history: readonly Observation[]): readonly Observation[] {
  return history.toSorted((a, b) => Date.parse(b.observedAt) - Date.parse(a.observedAt));
}

/** Steps that one match may take: enough for any real value, and done in a blink. */
const mostSteps = 20_000_000;

/** The lengths of all beginnings of a value that a pattern of `*` and `?` matches, rising; undefined when too costly. */
export function prefixLengths(value: string, pattern: string): readonly number[] | undefined {
  if (value.length * pattern.length > mostSteps) return undefined;
  return matchFrom(value, 0, pattern);
}

export function replacePattern(
  value: string,
  pattern: string,
  replacement: string,
  everywhere: boolean,
): string | undefined {
  if (value.length * value.length * pattern.length > mostSteps) return undefined;
  let result = '';
  let at = 0;
  while (at < value.length) {
    const length = matchFrom(value, at, pattern).at(-1) ?? 0;
    if (length === 0) {
      result += value[at];
      at++;
      continue;
    }
    result += replacement;
    at += length;
    if (!everywhere) break;
  }
  return result + value.slice(at);
}

/** Walks value and pattern together, keeping the set of places in the pattern that are reached: no backtracking. */
function matchFrom(value: string, start: number, pattern: string): number[] {
  const lengths: number[] = [];
  let reached = closure(new Set([0]), pattern);
  for (let at = start; ; at++) {
    if (reached.has(pattern.length)) lengths.push(at - start);
    const character = value[at];
    if (character === undefined || reached.size === 0) return lengths;
    const next = new Set<number>();
    for (const place of reached) {
      const wanted = pattern[place];
      if (wanted === '*') next.add(place);
      else if (wanted === '?' || wanted === character) next.add(place + 1);
    }
    reached = closure(next, pattern);
  }
}

function closure(places: Set<number>, pattern: string): Set<number> {
  for (const place of places) if (pattern[place] === '*') places.add(place + 1);
  return places;
}

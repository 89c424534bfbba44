import { Refusal } from './refusal.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** The name to go on after, when there is more. */
  readonly next: string | undefined;
}

const largestPage = 10_000;

/** `n` of a request: undefined when it is not given. */
export function parsePageSize(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw new Refusal(400, 'UNSUPPORTED', 'n must be a whole number that is not negative', {
      detail: text.slice(0, 40),
    });
  }
  return Math.min(Number(text), largestPage);
}

/** The names after `last`, `n` at most. The names are sorted by code unit, as the specification orders tags. */
export function pageOf(names: readonly string[], n: number | undefined, last: string | null): Page<string> {
  const start = last === null ? 0 : firstAfter(names, last);
  const items = names.slice(start, start + (n ?? largestPage));
  const isMore = items.length > 0 && start + items.length < names.length;
  return { items, next: isMore ? items.at(-1) : undefined };
}

export function nextLink(path: string, parameters: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(parameters).toString()}>; rel="next"`;
}

function firstAfter(names: readonly string[], last: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') > last) high = middle;
    else low = middle + 1;
  }
  return low;
}

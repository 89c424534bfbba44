import { setTimeout as wait } from 'node:timers/promises';

/** The world as retries see it; tests hand in one that does not wait. */
export interface Timing {
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export const systemTiming: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: async (milliseconds, signal) => {
    await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
};

export const maxAttempts = 5;
const longestWait = 60_000;
const firstWait = 250;
const longestBackoff = 8_000;
const worthRetrying = new Set([408, 425, 429, 500, 502, 503, 504]);

export function isRetryable(status: number): boolean {
  return worthRetrying.has(status);
}

/** `Retry-After` is a number of seconds or a date (RFC 9110 §10.2.3). */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Za-z]{3,9}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** How long to wait before the next attempt, or undefined when it is better to give up. */
export function delayBefore(
  attempt: number,
  retryAfter: number | undefined,
  random: () => number,
): number | undefined {
  if (attempt >= maxAttempts) return undefined;
  if (retryAfter !== undefined) return retryAfter > longestWait ? undefined : retryAfter;
  return random() * Math.min(longestBackoff, firstWait * 2 ** (attempt - 1));
}

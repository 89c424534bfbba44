import type { Timing } from '../src/ground/http/retry.ts';

/** Time for tests: nothing waits, and what would have been waited is written down. */
export function quickTiming(
  start = Date.UTC(2026, 0, 1),
): Timing & { readonly slept: number[]; advance(ms: number): void } {
  const slept: number[] = [];
  let now = start;
  return {
    slept,
    now: () => now,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      // Others get their turn, as they would during a real wait.
      await new Promise(resolve => setImmediate(resolve));
    },
    advance: milliseconds => {
      now += milliseconds;
    },
  };
}

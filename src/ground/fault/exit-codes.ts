import type { FaultKind } from './codes.ts';

/** One table for every command. "Blocked" and "broken" are never the same code. */
export const exitCodes = {
  done: 0,
  deny: 1,
  usage: 2,
  remote: 3,
  trust: 4,
  bug: 70,
  interrupted: 130,
} as const satisfies Record<FaultKind | 'done', number>;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

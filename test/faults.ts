import { expect } from 'vitest';
import { Fault } from '../src/ground/fault/fault.ts';

/** Secrets that tests plant everywhere; none may ever stand in an error. */
export const planted = {
  password: 'PLANTED-pass/word:with+signs',
  token: 'PLANTED-token-0123456789abcdef',
  identity: 'PLANTED-identity-0123456789',
} as const;

/** The fault of something that must fail. Whatever fails is searched for planted secrets. */
export async function faultOf(work: Promise<unknown> | (() => Promise<unknown>)): Promise<Fault> {
  let result: unknown;
  try {
    result = await (typeof work === 'function' ? work() : work);
  } catch (error) {
    expectNoSecret(error);
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error(`nothing failed; the result is ${JSON.stringify(result)}`);
}

export function expectNoSecret(error: unknown): void {
  const text = describe(error);
  const encoded = Object.values(planted).flatMap(secret => [
    secret,
    Buffer.from(`user:${secret}`).toString('base64'),
  ]);
  for (const secret of [...encoded, 'PLANTED'])
    expect(text.includes(secret), `a secret stands in: ${text}`).toBe(false);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.values(error).filter(value => typeof value === 'string');
  return [
    error.message,
    error.stack ?? '',
    ...own,
    error.cause === undefined ? '' : describe(error.cause),
  ].join('\n');
}

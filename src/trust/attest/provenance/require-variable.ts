import { Fault } from '../../../ground/fault/fault.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { Environment } from './build-place.ts';

/** A variable that the CI always sets; when it is missing, this is not that CI. */
export function requireVariable(env: Environment, name: string, system: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: `${name} is not set, so this is not a job of ${system}`,
    where: system,
    expected: `${name}, which ${system} sets in every job`,
    next: 'run it in a job, or write --ci local',
  });
}

export function claimText(claims: Claims | undefined, name: string): string | undefined {
  const value = claims?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Forty or sixty-four hexadecimal places: a commit, not a branch that moves. */
export function requireCommit(value: string, where: string): string {
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value)) return value;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: 'the source has no commit',
    where,
    expected: 'a whole commit id',
    actual: value,
  });
}

import { Fault } from '../../../ground/fault/fault.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { Environment } from './build-place.ts';

/** How the values look that end up in addresses; all others are one line of text. */
const shapes: Readonly<Record<string, RegExp>> = {
  GITHUB_SERVER_URL: /^https?:\/\/[A-Za-z0-9.:-]+$/,
  GITHUB_REPOSITORY: /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/,
  GITHUB_REF: /^refs\/\S+$/,
  GITHUB_RUN_ID: /^\d{1,20}$/,
  GITHUB_RUN_ATTEMPT: /^\d{1,9}$/,
  CI_PROJECT_URL: /^https?:\/\/[A-Za-z0-9.:-]+(?:\/[A-Za-z0-9_.-]+)+$/,
  CI_JOB_URL: /^https?:\/\/[A-Za-z0-9.:-]+(?:\/[A-Za-z0-9_.-]+)+$/,
  CI_COMMIT_REF_NAME: /^\S+$/,
};

/** A variable that the CI always sets; when it is missing, this is not that CI. */
export function requireVariable(env: Environment, name: string, system: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return requireShape(name, value, system);
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: `${name} is not set, so this is not a job of ${system}`,
    where: system,
    expected: `${name}, which ${system} sets in every job`,
    next: 'run it in a job, or write --ci local',
  });
}

function requireShape(name: string, value: string, system: string): string {
  const shape = shapes[name];
  const isLine = value.length <= 2048 && !/\p{Cc}/u.test(value);
  const isWhole = shape === undefined || (shape.test(value) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(value));
  if (isLine && isWhole) return value;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: `${name} is not what ${system} writes there`,
    where: system,
    actual: value.slice(0, 200),
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

import type { RuleResult } from '../../model/verdict.ts';
import type { ComponentEvidence } from './gate-input.ts';
import type { Criterion, Policy } from './policy.ts';
import { isAbout, isExpired } from './select.ts';

const day = 86_400_000;
const soon = 30 * day;

/** Exceptions that ended, or end soon: whoever wrote them shall know before the gate says no. */
export function warnOfExceptions(component: ComponentEvidence, policy: Policy, time: number): RuleResult[] {
  const warned = exceptionsOf(policy).filter(({ criterion }) => isAbout(criterion, component));
  return warned.flatMap(({ criterion, kind }) => warnOf(criterion, kind, time));
}

export function expiredExceptions(component: ComponentEvidence, policy: Policy, time: number): Criterion[] {
  return exceptionsOf(policy)
    .filter(
      ({ criterion, kind }) =>
        kind === 'exclude' && isAbout(criterion, component) && isExpired(criterion, time),
    )
    .map(({ criterion }) => criterion);
}

function exceptionsOf({ sources }: Policy): { criterion: Criterion; kind: 'include' | 'exclude' }[] {
  return sources.flatMap(({ volatileInclude, volatileExclude }) => [
    ...volatileInclude.map(criterion => ({ criterion, kind: 'include' as const })),
    ...volatileExclude.map(criterion => ({ criterion, kind: 'exclude' as const })),
  ]);
}

function warnOf(criterion: Criterion, kind: string, time: number): RuleResult[] {
  const { value, effectiveUntil } = criterion;
  const about = `Volatile ${kind} rule '${value}'`;
  const say = (rule: string, message: string) => [
    { code: `volatile_config.${rule}`, term: value, message, evidence: [] },
  ];
  if (effectiveUntil === undefined) return say('no_expiration', `${about} has no expiration date set`);
  if (isExpired(criterion, time))
    return say('expired_rule', `${about} has expired (effective until: ${effectiveUntil})`);
  const left = Date.parse(effectiveUntil) - time;
  if (left > soon) return [];
  return say(
    'expiring_rule',
    `${about} expires in ${Math.floor(left / day)} days (effective until: ${effectiveUntil})`,
  );
}

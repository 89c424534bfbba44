import type { Cause } from '../../../model/cause.ts';
import { isLocalTrust } from '../../../model/evidence.ts';
import type { RuleResult } from '../../../model/verdict.ts';
import { builtInCodes } from '../built-in.ts';
import { isProven, judgeAnew } from '../evidence/accept.ts';
import { expiredExceptions } from '../exceptions.ts';
import type { ComponentEvidence } from '../gate-input.ts';
import type { Policy } from '../policy.ts';
import { nameIn } from '../select.ts';

/** A rule says its cause itself, but for two things: what else was found, and that an exception has run out. */
export function causeOf(
  result: RuleResult,
  component: ComponentEvidence,
  policy: Policy,
  time: number,
): Cause {
  if (isExpiredWaiver(result, component, policy, time)) return 'expired-waiver';
  switch (result.code) {
    case builtInCodes.signature:
      return causeOfNone('signature', component, policy, 'unsigned');
    case builtInCodes.attestation:
      return causeOfNone('attestation', component, policy, 'no-provenance');
    default:
      return result.cause ?? 'other';
  }
}

function causeOfNone(
  kind: 'signature' | 'attestation',
  { items }: ComponentEvidence,
  policy: Policy,
  none: Cause,
): Cause {
  const isBroken = (item: ComponentEvidence['items'][number]) =>
    item.store === 'referrer' && item.trust === undefined;
  const found = items.filter(
    item => (item.kind === kind || isBroken(item)) && item.reasons[0]?.code !== 'unsigned',
  );
  if (found.length === 0) return none;
  const proven = found.filter(isProven).map(item => judgeAnew(item, policy));
  const isByStranger = found.some(({ reasons }) => reasons[0]?.code === 'identity');
  if (proven.length === 0) return isByStranger ? 'wrong-identity' : 'forged';
  const isLocal = proven.some(
    ({ trust, reasons }) => isLocalTrust(trust) && reasons.every(({ code }) => code === 'local-trust'),
  );
  return isLocal ? 'local-trust' : 'wrong-identity';
}

function isExpiredWaiver(
  { code, term }: RuleResult,
  component: ComponentEvidence,
  policy: Policy,
  time: number,
): boolean {
  return expiredExceptions(component, policy, time).some(({ value }) => isAboutResult(value, code, term));
}

export function isAboutResult(value: string, code: string, term: string | undefined): boolean {
  const name = nameIn(value).replace(/\.\*$/, '');
  const wanted = value === nameIn(value) ? undefined : value.slice(nameIn(value).length + 1);
  const isNamed = code === name || code.startsWith(`${name}.`);
  return isNamed && (wanted === undefined || wanted === term);
}

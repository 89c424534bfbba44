import { findIntruder, type OriginRules, type Visit } from '../../../../ground/http/visit.ts';
import { Refusal } from '../http/refusal.ts';

/** Keeps web pages of others from using a visitor's browser against the registry. No client of images sends Origin. */
export function checkOrigin(visit: Visit, rules: OriginRules): void {
  const intruder = findIntruder(visit, rules);
  if (intruder === 'name')
    throw new Refusal(403, 'DENIED', 'this registry is not reached by this name; see --allow-host', {
      detail: { host: visit.host?.slice(0, 200) },
    });
  if (intruder === 'page')
    throw new Refusal(403, 'DENIED', 'web pages of other origins may not use this registry');
}

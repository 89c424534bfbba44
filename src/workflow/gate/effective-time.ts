import { Fault } from '../../ground/fault/fault.ts';
import { acceptedAttestations } from '../../trust/policy/evidence/accept.ts';
import { finishedOn, provenanceOf } from '../../trust/policy/evidence/provenance.ts';
import { timeAt } from '../../trust/policy/evidence/read.ts';
import type { ComponentEvidence } from '../../trust/policy/gate-input.ts';
import type { Policy } from '../../trust/policy/policy.ts';

/** What "now" is for the verdict, to the second. A time in the past could bring expired exceptions back. */
export function resolveTime(text: string, now: Date, allowPast: boolean): string {
  if (text === 'now' || text === 'attestation') return toSeconds(now.getTime());
  const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time)) {
    throw new Fault('USAGE', {
      what: `"${text.slice(0, 80)}" is no time`,
      expected: 'now, attestation, 2026-12-31 or 2026-12-31T00:00:00Z',
      next: '--effective-time now',
    });
  }
  if (time < now.getTime() - 2000 && !allowPast) {
    throw new Fault('USAGE', {
      what: `the effective time ${text} is in the past`,
      expected: 'now or later',
      next: 'add --allow-past-effective-time when that is meant',
    });
  }
  return toSeconds(time);
}

/** The image as of the moment when its youngest provenance says that it was built. */
export function attestationTime(component: ComponentEvidence, policy: Policy): ComponentEvidence {
  const times = provenanceOf(acceptedAttestations(component.items, policy)).flatMap(
    one => timeAt({ at: finishedOn(one) }, 'at') ?? [],
  );
  return times.length === 0 ? component : { ...component, time: toSeconds(Math.max(...times)) };
}

function toSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

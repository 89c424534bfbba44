import { Fault } from '../../../ground/fault/fault.ts';
import type { Verdict } from '../../../model/verdict.ts';
import { verdictFault } from '../../gitops/require-evidence.ts';
import { findPolicy } from '../find-policy.ts';
import { type VerifyStage, verifyStage } from '../prove/verify-stage.ts';
import type { Release } from './read-release.ts';

/** What other jobs left decides nothing: what counts is what somebody whom the policy believes says of each digest. */
export async function verifyRelease(
  images: Release['images'],
  isOlder: (image: string) => boolean,
  o: Omit<VerifyStage, 'ref' | 'isKept'>,
): Promise<void> {
  const choice = { ...o, ...(await findPolicy(o)) };
  if (choice.policy === undefined && choice.promotion === undefined)
    throw new Fault('USAGE', {
      what: 'only what was verified comes into a release, and no policy says what is demanded',
      expected: '--policy FILE, or policy.yaml in this folder',
    });
  for (const { image, ref } of images) {
    const isKept = isOlder(image);
    const { verdict } = await verifyStage({ ...choice, ref, isKept });
    if (verdict.decision === 'allow' || (isKept && isOnlyOld(verdict))) continue;
    throw verdictFault(verdict, ref, { name: 'the project', ...choice });
  }
}

/** What is published already must not stop the others when its scan grows old: nothing would ever scan it again. */
function isOnlyOld({ decision, components }: Verdict): boolean {
  const codes = components.flatMap(({ violations }) => violations.map(({ code }) => code));
  return decision === 'deny' && codes.every(code => code === 'vuln.scan_fresh');
}

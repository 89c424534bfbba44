import { Fault } from '../ground/fault/fault.ts';
import { registriesOf, toLocation } from '../image/oci/open.ts';
import { judgeImage, type VerifiedImage } from './evidence/judge-image.ts';
import { openJudge, type TrustChoice } from './evidence/open-judge.ts';
import type { Requirements } from './evidence/requirements.ts';
import { resolveImage } from './evidence/targets.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export type { EvidenceItem } from '../model/evidence.ts';
export type { VerifiedImage, VerifiedTarget } from './evidence/judge-image.ts';
export type { TrustChoice } from './evidence/open-judge.ts';
export type { Missing, Verdict } from './evidence/requirements.ts';

export interface VerifyImageOptions extends ReachOptions, TrustChoice {
  readonly image: string;
  /** Every platform must fulfil the same on its own. */
  readonly recursive?: boolean;
  /** An image signature is required; yes unless said otherwise. */
  readonly signature?: boolean;
  /** Attestations that are required, by URI. */
  readonly predicateTypes?: readonly string[];
  /** By how many different signers each. */
  readonly threshold?: number;
  readonly onWarning?: (text: string) => void;
}

/** Reads every store, judges every item alone, and says of each what became of it. */
export async function verifyImage(o: VerifyImageOptions): Promise<VerifiedImage> {
  const required = requirementsOf(o);
  const judge = await openJudge(o);
  for (const warning of judge.warnings) o.onWarning?.(warning);
  return await reachRegistries(o, registriesOf(toLocation(o.image)), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const image = await resolveImage(o.image, access, { ...call, recursive: o.recursive ?? false });
    return await judgeImage(image, judge, required, o);
  });
}

export function requirementsOf(o: VerifyImageOptions): Requirements {
  if (o.signature === false && (o.predicateTypes ?? []).length === 0) {
    throw new Fault('USAGE', {
      what: 'Nothing is required, and then everything would be accepted.',
      expected: 'an image signature, or --type TYPE for at least one attestation',
      actual: '--no-signature without --type',
      next: 'add --type TYPE, or leave --no-signature out',
    });
  }
  return {
    signature: o.signature ?? true,
    predicateTypes: o.predicateTypes ?? [],
    threshold: o.threshold ?? 1,
  };
}

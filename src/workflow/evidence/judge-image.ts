import type { EvidenceItem } from '../../model/evidence.ts';
import { collectEvidence } from '../../trust/attest/storage/collect-evidence.ts';
import { judgeItem } from '../../trust/attest/verify/judge.ts';
import type { Judge } from './open-judge.ts';
import { findMissing, judgeOutcome, type Missing, type Requirements, type Verdict } from './requirements.ts';
import type { EvidenceTarget, ResolvedImage } from './targets.ts';

export interface VerifiedImage {
  readonly reference: string;
  readonly digest: string;
  readonly verdict: Verdict;
  /** False when a local Sigstore was accepted: then it says nothing about production. */
  readonly production: boolean;
  readonly targets: readonly VerifiedTarget[];
}

export interface VerifiedTarget {
  readonly digest: string;
  readonly platform?: string;
  readonly verdict: Verdict;
  readonly missing: readonly Missing[];
  readonly items: readonly EvidenceItem[];
}

export async function judgeImage(
  image: ResolvedImage,
  judge: Judge,
  required: Requirements,
  o: { readonly signal?: AbortSignal; readonly maxItemBytes?: number },
): Promise<VerifiedImage> {
  const targets: VerifiedTarget[] = [];
  for (const target of image.targets) targets.push(await judgeTarget(image, target, judge, required, o));
  return {
    reference: image.reference,
    digest: image.targets[0].subject.digest,
    verdict: worstOf(targets),
    production: !judge.allowsLocal,
    targets,
  };
}

async function judgeTarget(
  image: ResolvedImage,
  { subject, platform }: EvidenceTarget,
  judge: Judge,
  required: Requirements,
  o: { readonly signal?: AbortSignal; readonly maxItemBytes?: number },
): Promise<VerifiedTarget> {
  const items: EvidenceItem[] = [];
  const expected = { ...judge.expectations, digest: subject.digest };
  const found = collectEvidence(image.registry, subject.digest, { ...o, index: image.entries });
  for await (const piece of found) {
    items.push(withoutContent('item' in piece ? piece.item : judgeItem(piece.raw, expected, judge.verifier)));
  }
  const missing = findMissing(items, required);
  const verdict = judgeOutcome(items, missing);
  return { digest: subject.digest, ...(platform !== undefined && { platform }), verdict, missing, items };
}

/** Predicates can be large and many; the verdict does not need them any more. */
function withoutContent({ statement: _statement, ...item }: EvidenceItem): EvidenceItem {
  return item;
}

function worstOf(targets: readonly VerifiedTarget[]): Verdict {
  const order: readonly Verdict[] = ['forged', 'rejected', 'not-found', 'accepted'];
  return order.find(verdict => targets.some(target => target.verdict === verdict)) ?? 'not-found';
}

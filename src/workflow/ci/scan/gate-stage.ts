import { scanActions } from '../../../risk/scan/actions.ts';
import { type JudgeScan, judgeScan } from './judge-scan.ts';
import type { ScanFolder } from './scan-folder.ts';
import { reasonsOf, type ScanReason } from './scan-reasons.ts';

export interface GatedScan {
  readonly ref: string;
  readonly image: string;
  readonly status: ScanFolder['status'];
  readonly cause?: 'remote' | 'trust';
  /** What the scan itself concluded; it decides nothing. */
  readonly claimed: ScanFolder['status'];
  /** Why, for each image: the rules that did not pass. */
  readonly reasons: readonly ScanReason[];
  /** What would bring a verdict, where there is none. */
  readonly next?: string;
}

/** Judges what the scan of this very digest found, by the policy of the project: before anybody vouches for it. */
export async function gateStage(o: JudgeScan): Promise<GatedScan> {
  const { folder, verdict, images } = await judgeScan(o);
  const reasons = images.flatMap(({ digest, report }) => reasonsOf(digest, report));
  const open = images.find(({ report }) => report.verdict.status === 'indeterminate');
  const isUnheard = open?.runs.some(({ id, outcome }) => id === 'embedded' && outcome.status !== 'ok');
  const [next] = verdict.status !== 'indeterminate' || open === undefined ? [] : scanActions(open.report);
  return {
    ref: o.ref,
    image: folder.image,
    ...verdict,
    claimed: folder.status,
    reasons,
    ...(next !== undefined && { next: isUnheard ? `cg db update; or ${next.what}` : next.what }),
  };
}

import type { Finding } from '../../../model/finding.ts';
import { scanActions } from '../../../risk/scan/actions.ts';
import { type JudgeScan, judgeScan } from './judge-scan.ts';
import type { ScanFolder } from './scan-folder.ts';

export interface GatedScan {
  readonly ref: string;
  readonly image: string;
  readonly status: ScanFolder['status'];
  readonly cause?: 'remote' | 'trust';
  /** What the scan itself concluded; it decides nothing. */
  readonly claimed: ScanFolder['status'];
  /** Why, for each image: the rules that did not pass. */
  readonly reasons: readonly { readonly digest: string; readonly rule: string; readonly reason: string }[];
  /** What would bring a verdict, where there is none. */
  readonly next?: string;
}

/** Judges what the scan of this very digest found, by the policy of the project: before anybody vouches for it. */
export async function gateStage(o: JudgeScan): Promise<GatedScan> {
  const { folder, verdict, images } = await judgeScan(o);
  const reasons = images.flatMap(({ digest, report }) =>
    report.verdict.rules
      .filter(({ result }) => result !== 'pass')
      .map(({ id, reason, findings }) => ({
        digest,
        rule: id,
        reason: describe(reason, report.findings, findings),
      })),
  );
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

const mostNamed = 5;

function describe(reason: string | undefined, all: readonly Finding[], keys: readonly string[]): string {
  const named = all
    .filter(({ key }) => keys.includes(key))
    .map(({ id, pkg, effective }) => `${id} (${effective.severity}) in ${pkg.name} ${pkg.version}`);
  const shown = named.slice(0, mostNamed).join('; ');
  const more = named.length > mostNamed ? ` and ${named.length - mostNamed} more` : '';
  return [reason, shown + more].filter(text => text !== undefined && text !== '').join(': ');
}

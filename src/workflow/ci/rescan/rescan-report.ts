import { join } from 'node:path';
import * as z from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import type { ScanReport } from '../../../model/finding.ts';
import { severities } from '../../../model/severity.ts';
import { joinReports } from '../../../risk/scan/join-reports.ts';
import { writeSarif } from '../../scan-image.ts';
import { readJsonFile } from '../handover.ts';

const text = z.string().max(10_000);
const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/);

const RescannedImage = z.strictObject({
  image: text,
  environments: z.array(text).readonly(),
  /** What the project's scan policy says of it today. */
  status: z.enum(['allow', 'deny', 'indeterminate']),
  /** Why it could not be verified, or not be scanned whole. */
  problems: z.array(z.strictObject({ cause: z.enum(['remote', 'trust']), message: text })).readonly(),
  /** Rules that did not pass. */
  reasons: z.array(z.strictObject({ digest: text, rule: text, reason: z.string() })).readonly(),
  /** Open findings. */
  findings: z.int().nonnegative(),
  /** Of these, what nobody knew. */
  added: z
    .array(
      z.strictObject({
        id: text,
        severity: z.enum(severities),
        package: text,
        version: text,
        fixedIn: z.array(text).readonly(),
      }),
    )
    .readonly(),
  gone: z.array(text).readonly(),
  /** Where all of it lies. */
  folder: FileName.optional(),
});
export type RescannedImage = z.infer<typeof RescannedImage>;

/** What a nightly scan leaves, for whoever tells of it. */
export const RescanReport = z.strictObject({
  schema: z.literal('rescan/v1'),
  repository: text,
  branch: text,
  commit: text,
  images: z.array(RescannedImage).max(100_000),
  /** Entries without a digest whose tag no registry has: nothing runs there yet. */
  idle: z.array(text).max(100_000),
  /** One file for each repository of which everything that runs was scanned. */
  sarif: z.array(z.strictObject({ repository: text, file: FileName })).max(100_000),
});
export type RescanReport = z.infer<typeof RescanReport>;

/** An image with what was found in each of its platforms. */
export interface Rescanned {
  readonly image: RescannedImage;
  readonly reports: readonly ScanReport[];
}

const reportName = 'rescan.json';

/** The report, and SARIF by repository: a forge closes what a category does not have, so there is none of half a scan. */
export async function writeRescanReport(
  folder: string,
  source: Pick<RescanReport, 'repository' | 'branch' | 'commit' | 'idle'>,
  rescanned: readonly Rescanned[],
  version: string,
): Promise<RescanReport> {
  const sarif: { repository: string; file: string }[] = [];
  for (const [repository, group] of byRepository(rescanned)) {
    const reports = group.flatMap(one => one.reports);
    const joined = joinReports(reports, reports[0]?.subject.digest ?? '');
    if (joined === undefined || group.some(({ image }) => image.problems.length > 0)) continue;
    const file = `${fileNameOf(repository)}.sarif`;
    await writeFileAtomically(join(folder, file), JSON.stringify(writeSarif([joined], version)));
    sarif.push({ repository, file });
  }
  const images = rescanned.map(({ image }) => image);
  const report: RescanReport = { schema: 'rescan/v1', ...source, images, sarif };
  await writeFileAtomically(join(folder, reportName), `${JSON.stringify(report, undefined, 2)}\n`);
  return report;
}

export async function readRescanReport(folder: string): Promise<RescanReport> {
  const path = join(folder, reportName);
  const parsed = RescanReport.safeParse(await readJsonFile(path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('FILE_INVALID', {
    what: 'this is not what cg ci rescan leaves',
    where: path,
    actual: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 300),
  });
}

/** Two names that look alike in a file system are told apart by their digest or their place in the list. */
export function fileNameOf(image: string): string {
  return image
    .replace(/@sha256:([0-9a-f]{12}).*$/, '-$1')
    .replaceAll(/[^A-Za-z0-9.-]/g, '_')
    .slice(0, 180);
}

function byRepository(rescanned: readonly Rescanned[]): ReadonlyMap<string, readonly Rescanned[]> {
  const groups = new Map<string, Rescanned[]>();
  for (const one of rescanned) {
    const repository = repositoryOf(one.image.image);
    groups.set(repository, [...(groups.get(repository) ?? []), one]);
  }
  return groups;
}

/** Without digest and tag. */
function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

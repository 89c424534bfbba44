import type { ScanReport } from '../../../model/finding.ts';
import type { EngineRun } from '../../../risk/scan/engine.ts';
import { joinReports } from '../../../risk/scan/join-reports.ts';
import { type ScannedWithRuns, writeGitlab, writeJunit, writeSarif } from '../../scan-image.ts';
import { digestOf } from '../handover.ts';
import { toRunFile } from './run-file.ts';
import type { ScanFolder, ScanFolderWriter } from './scan-folder.ts';

export interface ScannedFiles {
  readonly version: string;
  /** The same for a merge request and a merge, whose image lies elsewhere; its repository without it. */
  readonly image?: string;
  /** Also what GitLab shows in a merge request. */
  readonly gitlabReports?: boolean;
}

/** What each engine said, in its own words and in ours, SARIF, and the whole report. */
export async function writeScanned(
  scanned: ScannedWithRuns,
  writer: ScanFolderWriter,
  o: ScannedFiles,
): Promise<ScanFolder['images']> {
  const images: ScanFolder['images'] = [];
  for (const [at, { subject }] of scanned.reports.entries()) {
    const { digest = '', platform } = subject;
    const runs = [];
    for (const run of scanned.runs[at] ?? []) runs.push(toRunFile(run, await keepRaw(run, at, writer)));
    images.push({ digest, ...(platform !== undefined && { platform }), runs });
  }
  await writer.write('scan.sarif', JSON.stringify(writeSarif(asOne(scanned), o.version)));
  await writer.write('report.json', JSON.stringify(scanned));
  if (o.gitlabReports === true) {
    const report = writeGitlab(scanned.reports, o.version, o.image);
    await writer.write('gl-container-scanning-report.json', `${JSON.stringify(report, undefined, 2)}\n`);
    await writer.write('junit.xml', writeJunit(scanned.reports));
  }
  return images;
}

/** GitHub takes one run for a category, which is the image whatever its platforms are. */
function asOne({ reports, reference, verdict }: ScannedWithRuns): readonly ScanReport[] {
  const [first, ...others] = reports;
  if (first === undefined || others.length === 0) return reports;
  const joined = joinReports(reports, digestOf(reference) ?? first.subject.indexDigest ?? '');
  if (joined === undefined) return [];
  // Whoever was not heard about one platform is still named.
  const engines = reports.flatMap(report => report.engines);
  return [{ ...joined, engines, verdict: { ...joined.verdict, ...verdict } }];
}

async function keepRaw(
  { id, outcome }: EngineRun,
  at: number,
  writer: ScanFolderWriter,
): Promise<string | undefined> {
  const raw = outcome.status === 'ok' ? outcome.report.raw : undefined;
  return raw === undefined ? undefined : await writer.write(`${at}-${id}.json`, raw);
}

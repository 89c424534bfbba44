import type { EngineRun } from '../../../risk/scan/engine.ts';
import { type ScannedWithRuns, writeSarif } from '../../scan-image.ts';
import { toRunFile } from './run-file.ts';
import type { ScanFolder, ScanFolderWriter } from './scan-folder.ts';

/** What each engine said, in its own words and in ours, SARIF, and the whole report. */
export async function writeScanned(
  scanned: ScannedWithRuns,
  writer: ScanFolderWriter,
  version: string,
): Promise<ScanFolder['images']> {
  const images: ScanFolder['images'] = [];
  for (const [at, { subject }] of scanned.reports.entries()) {
    const { digest = '', platform } = subject;
    const runs = [];
    for (const run of scanned.runs[at] ?? []) runs.push(toRunFile(run, await keepRaw(run, at, writer)));
    images.push({ digest, ...(platform !== undefined && { platform }), runs });
  }
  await writer.write('scan.sarif', JSON.stringify(writeSarif(scanned.reports, version)));
  await writer.write('report.json', JSON.stringify(scanned));
  return images;
}

async function keepRaw(
  { id, outcome }: EngineRun,
  at: number,
  writer: ScanFolderWriter,
): Promise<string | undefined> {
  const raw = outcome.status === 'ok' ? outcome.report.raw : undefined;
  return raw === undefined ? undefined : await writer.write(`${at}-${id}.json`, raw);
}

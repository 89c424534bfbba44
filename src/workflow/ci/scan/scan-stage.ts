import { resolve } from 'node:path';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { listContents, writeCycloneDx, writeSpdx } from '../../list-contents.ts';
import { type ScanImage, scanImage } from '../../scan-image.ts';
import { readReference } from '../handover.ts';
import { refuseSigningCredentials } from '../stage-credentials.ts';
import { type ScanFolder, ScanFolderWriter } from './scan-folder.ts';
import { writeScanned } from './write-scanned.ts';

export type { ScanFolder } from './scan-folder.ts';

export interface ScanStage extends Omit<ScanImage, 'env'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly image: string;
  readonly sbom: boolean;
  /** Also what GitLab shows of a scan. */
  readonly gitlabReports?: boolean;
  readonly out: string;
}

/** Asks every engine about exactly the digest that was pushed. What it found decides nothing here. */
export async function scanStage(o: ScanStage): Promise<ScanFolder> {
  refuseSigningCredentials('scan', o.env);
  const ref = await readReference(o.target, o.cwd);
  const out = resolve(o.cwd, o.out);
  await makeFolder(out);
  const scanned = await scanImage({ ...o, target: ref });
  const writer = new ScanFolderWriter(out);
  const images = await writeScanned(scanned, writer, o);
  if (o.sbom)
    for (const [at, { digest }] of images.entries())
      await writeSboms(`${ref.replace(/@.*$/, '')}@${digest}`, at, writer, o);
  return await writer.close({ ref, image: o.image, ...scanned.verdict, sbom: o.sbom, images });
}

/** For people and for reports of the forge; whoever attests lists the contents anew. */
async function writeSboms(target: string, at: number, writer: ScanFolderWriter, o: ScanStage): Promise<void> {
  const inventory = await listContents({ ...o, target });
  await writer.write(`${at}-sbom.spdx.json`, writeSpdx(inventory, { version: o.version }));
  await writer.write(`${at}-sbom.cdx.json`, writeCycloneDx(inventory, { version: o.version }));
}

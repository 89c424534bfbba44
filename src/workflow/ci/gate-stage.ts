import { resolve } from 'node:path';
import { readScanFolder, type ScanFolder } from './scan-stage.ts';

/** What the scan of this very digest said, by the policy of the project: before anybody vouches for it. */
export async function gateStage(o: {
  readonly cwd: string;
  readonly ref: string;
  readonly scan: string;
}): Promise<Pick<ScanFolder, 'ref' | 'image' | 'status' | 'cause'>> {
  const { ref, image, status, cause } = await readScanFolder(resolve(o.cwd, o.scan), o.ref);
  return { ref, image, status, ...(cause !== undefined && { cause }) };
}

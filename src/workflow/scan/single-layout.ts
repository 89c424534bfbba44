import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyImage } from '../../image/oci/copy/copy.ts';
import { LayoutRegistry } from '../../image/oci/layout/layout.ts';
import type { Call, Registry } from '../../image/oci/registry.ts';
import type { Descriptor } from '../../model/descriptor.ts';

export interface SingleLayout {
  readonly folder: string;
  readonly digest: string;
  remove(): Promise<void>;
}

/** Pulls an image once, checked, into a layout whose index names this image and nothing else: what all programs read. */
export async function makeSingleLayout(
  registry: Registry,
  manifest: Pick<Descriptor, 'digest'>,
  o: Call,
): Promise<SingleLayout> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-scan-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // Programs under another user read it; what is in it is the image and no secret of ours.
    await chmod(folder, 0o755);
    const layout = new LayoutRegistry(folder);
    await copyImage({
      from: registry,
      reference: manifest.digest,
      to: layout,
      tags: [],
      evidence: false,
      ...o,
    });
    return { folder, digest: manifest.digest, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { hasCode } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { algorithmOf, type Digest, hexOf } from '../../../model/digest.ts';
import { findingsVersion } from '../cataloguers/all.ts';
import type { LayerFindings } from './findings.ts';

const largestUnpacked = 256 * 1024 * 1024;

/** What was found in layers, by diffID: equal layers are equal in every image. */
export class LayerCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, `v${findingsVersion}`);
  }

  /** Undefined when nothing usable is there; a broken file is as good as none. */
  async read(diffId: Digest): Promise<LayerFindings | undefined> {
    try {
      const packed = await readFile(this.#path(diffId));
      const text = gunzipSync(packed, { maxOutputLength: largestUnpacked }).toString('utf8');
      const entry = JSON.parse(text) as { diffId?: unknown; findings?: LayerFindings };
      return entry.diffId === diffId ? entry.findings : undefined;
    } catch {
      return undefined;
    }
  }

  /** A cache that cannot be written, on a full or read-only disk, costs time and nothing else. */
  async write(diffId: Digest, findings: LayerFindings): Promise<void> {
    const path = this.#path(diffId);
    try {
      await makeFolder(dirname(path));
      await writeFileAtomically(path, gzipSync(JSON.stringify({ diffId, findings }), { level: 1 }));
    } catch (error) {
      if (!hasCode(error, 'WRITE_FAILED')) throw error;
    }
  }

  #path(diffId: Digest): string {
    const hex = hexOf(diffId);
    return join(this.#folder, algorithmOf(diffId), hex.slice(0, 2), `${hex}.json.gz`);
  }
}

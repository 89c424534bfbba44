import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { namesIn } from '../../ground/store/content-store.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import type { DatabaseIdentity } from '../../model/finding.ts';
import { formatVersion } from './index/layout.ts';
import { type AdvisoryIndex, openIndex } from './index/open-index.ts';

const Pointer = z.object({
  version: z.literal(1),
  file: z.string().regex(/^[0-9a-f]{64}\.vdx$/),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number().int().nonnegative(),
  importedAt: z.string(),
});
export type Pointer = z.infer<typeof Pointer>;

/** The advisory data of this machine: indices named by their digest, and a pointer to the one that counts. */
export class AdvisoryDatabase {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined where nothing was ever imported. */
  async pointer(): Promise<Pointer | undefined> {
    const path = join(this.folder, 'current.json');
    try {
      return Pointer.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new Fault('FILE_INVALID', {
        what: 'the pointer to the advisory index cannot be read',
        where: path,
        next: 'cg db import, or cg db update',
        cause: error,
      });
    }
  }

  /** The index that counts, checked against its digest. */
  async open(): Promise<{ readonly index: AdvisoryIndex; readonly identity: DatabaseIdentity } | undefined> {
    const pointer = await this.pointer();
    if (pointer === undefined) return undefined;
    const path = join(this.folder, pointer.file);
    const digest = await digestOf(path);
    if (digest !== pointer.digest) {
      throw new Fault('DIGEST_MISMATCH', {
        what: 'the advisory index is not the one that was imported',
        where: path,
        expected: pointer.digest,
        actual: digest,
        next: 'cg db import, or cg db update',
      });
    }
    const index = openIndex(path);
    return { index, identity: identityOf(index, digest) };
  }

  /** Makes an index the one that counts. It is read back first: what cannot be opened never replaces what can. */
  async install(bytes: Buffer, importedAt: Date): Promise<void> {
    const hex = createHash('sha256').update(bytes).digest('hex');
    const file = `${hex}.vdx`;
    await makeFolder(this.folder);
    await writeFileAtomically(join(this.folder, file), bytes, { durable: true });
    openIndex(join(this.folder, file)).close();
    const before = await this.pointer().catch(() => undefined);
    const pointer: Pointer = {
      version: 1,
      file,
      digest: `sha256:${hex}`,
      size: bytes.length,
      importedAt: importedAt.toISOString(),
    };
    await writeFileAtomically(join(this.folder, 'current.json'), `${JSON.stringify(pointer, null, 2)}\n`, {
      durable: true,
    });
    await this.#clean([file, before?.file]);
  }

  /** The one that counts and the one before it stay: a scan that is under way still reads from it. */
  async #clean(keep: readonly (string | undefined)[]): Promise<void> {
    for (const name of await namesIn(this.folder)) {
      if (/^[0-9a-f]{64}\.vdx$/.test(name) && !keep.includes(name))
        await rm(join(this.folder, name), { force: true });
    }
  }
}

export function identityOf({ description }: AdvisoryIndex, digest?: string): DatabaseIdentity {
  return {
    lineage: description.lineage.join('+'),
    version: String(formatVersion),
    builtAt: description.builtAt,
    ...(digest !== undefined && { digest }),
  };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

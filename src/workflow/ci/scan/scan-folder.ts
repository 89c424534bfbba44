import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { readRegularFile } from '../../../ground/store/regular-file.ts';
import { isMissing } from '../../../ground/store/write-fault.ts';
import { digestOf, readJsonFile } from '../handover.ts';
import { RunFile } from './run-file.ts';

const DigestText = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,100}$/);

/** What a scan leaves in its folder, for the gate and for whoever attests. All of it comes from a job that ran code of others. */
export const ScanFolder = z.strictObject({
  ref: z.string(),
  image: z.string(),
  status: z.enum(['allow', 'deny', 'indeterminate']),
  cause: z.enum(['remote', 'trust']).optional(),
  /** Whether contents are to be attested too. */
  sbom: z.boolean(),
  images: z
    .array(
      z.strictObject({ digest: DigestText, platform: z.string().optional(), runs: z.array(RunFile).max(8) }),
    )
    .max(200),
  /** Every other file in it, by name. */
  files: z.record(FileName, DigestText),
});
export type ScanFolder = z.infer<typeof ScanFolder>;

export const indexName = 'scan.json';
const largestFile = 512 * 1024 * 1024;

/** Collects the files of a folder, and writes its index last: a folder without one is none. */
export class ScanFolderWriter {
  readonly #folder: string;
  readonly #files: Record<string, string> = {};

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(name: string, content: string | Buffer): Promise<string> {
    await writeFileAtomically(join(this.#folder, FileName.parse(name)), content);
    this.#files[name] = hashOf(Buffer.from(content));
    return name;
  }

  async close(folder: Omit<ScanFolder, 'files'>): Promise<ScanFolder> {
    const whole: ScanFolder = { ...folder, files: this.#files };
    await writeFileAtomically(join(this.#folder, indexName), `${JSON.stringify(whole, undefined, 2)}\n`);
    return whole;
  }
}

/** The folder of a scan, which must be about this very digest; its files never lead out of it. */
export async function readScanFolder(path: string, ref: string): Promise<ScanFolder> {
  const parsed = ScanFolder.safeParse(await readJsonFile(join(path, indexName)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Fault('FILE_INVALID', {
      what: 'this is not what cg ci scan leaves',
      where: join(path, indexName),
      actual: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 300),
    });
  }
  const folder = parsed.data;
  if (digestOf(folder.ref) !== digestOf(ref))
    throw new Fault('USAGE', {
      what: 'the scan is about another image',
      where: path,
      expected: ref,
      actual: folder.ref.slice(0, 300),
      next: `cg ci scan ${ref} --image NAME --out FOLDER`,
    });
  for (const name of Object.keys(folder.files)) await readScanFile(path, name, folder);
  return folder;
}

/** A file of the folder, as the scan wrote it. */
export async function readScanFile(path: string, name: string, folder: ScanFolder): Promise<Buffer> {
  const where = join(path, name);
  const wanted = Object.hasOwn(folder.files, name) ? folder.files[name] : undefined;
  const bytes = wanted === undefined ? undefined : await readIfThere(where);
  if (bytes !== undefined && hashOf(bytes) === wanted) return bytes;
  throw new Fault('RESULTS_UNTRUSTED', {
    what: 'a file of the scan is not what the scan wrote',
    where,
    ...(wanted !== undefined && { expected: wanted }),
    actual: bytes === undefined ? 'no such file' : hashOf(bytes),
    next: 'run the scan again: cg ci scan',
  });
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path, largestFile);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function hashOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

import { stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';

/** Writes a result whole or not at all. */
export async function writeResult(file: string, text: string, cwd: string): Promise<void> {
  const path = resolve(cwd, file);
  try {
    // A pipe or a device is written to; only files are replaced.
    const isSpecial = await stat(path).then(
      found => !found.isFile(),
      () => false,
    );
    if (isSpecial) await writeFile(path, text);
    else await writeFileAtomically(path, text);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const actual = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('WRITE_FAILED', { what: 'the result could not be written', where: path, actual, cause });
  }
}

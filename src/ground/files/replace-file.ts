import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Fault } from '../fault/fault.ts';

/** Replaces a file as a whole: a reader sees the old content or the new, never a half. */
export async function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 });
    await writeFile(temporary, content, { mode, flag: 'wx' });
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeFault(error, path);
  }
}

export function writeFault(error: unknown, path: string): Fault {
  const reason = error instanceof Error ? error.message : String(error);
  return new Fault('WRITE_FAILED', {
    what: `${path} could not be written`,
    where: path,
    actual: reason,
    cause: error,
  });
}

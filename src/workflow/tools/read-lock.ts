import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import { readToolsLock, type ToolsLock } from '../../risk/tools/lock.ts';

const largestLock = 1024 * 1024;

/** The folder of the lock, and of the bundles that it names. */
export function lockFolder(cwd: string): string {
  return join(cwd, '.cascadeguard');
}

export function lockPath(cwd: string): string {
  return join(lockFolder(cwd), 'tools.lock.json');
}

/** Which programs this project lets run; undefined when it has no lock. One that cannot be read is a fault. */
export async function readLock(cwd: string): Promise<ToolsLock | undefined> {
  const path = lockPath(cwd);
  try {
    const bytes = await readRegularFile(path, largestLock);
    if (bytes !== undefined) return readToolsLock(bytes.toString('utf8'), path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new Fault('FILE_INVALID', {
    what: 'the lock of tools is too large',
    where: path,
    expected: `at most ${largestLock} bytes`,
  });
}

import { Fault } from '../fault/fault.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota of the user is used up',
  EFBIG: 'the file would be larger than the system allows',
  EROFS: 'the file system is read-only',
  EACCES: 'writing is not permitted',
  EPERM: 'writing is not permitted',
  EIO: 'the device failed',
};

/** The path itself is the trouble: the person who named it can name another. */
const pathReasons: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of the path is not a folder',
  ENOENT: 'the system takes no such name there',
  EISDIR: 'there is a folder of this name',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
};

export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Why the system did not let us write, or undefined when the error says something else. */
export function writeRefusal(error: unknown): string | undefined {
  return reasons[systemCode(error) ?? ''];
}

export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(systemCode(error) ?? '');
}

/** The error as a fault when the system refused to write; any other error as it is. */
export function toWriteFault(error: unknown, where: string): unknown {
  const reason = writeRefusal(error) ?? pathReasons[systemCode(error) ?? ''];
  if (reason === undefined) return error;
  return new Fault('WRITE_FAILED', { what: `could not write: ${reason}`, where, cause: error });
}

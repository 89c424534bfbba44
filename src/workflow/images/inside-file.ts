import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { readSmallFile } from '../../ground/store/regular-file.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import { largestDockerfile } from '../../image/dockerfile/parse.ts';

export interface InsideFile {
  /** The file itself, links followed. */
  readonly path: string;
  readonly text: string;
}

/** Reads a file of the repository, whose folder is given without links; neither a link nor a name leads out of it. */
export function readInsideFile(inside: string, name: string): InsideFile {
  const path = realPathOf(join(inside, name), name);
  if (!path.startsWith(inside.endsWith(sep) ? inside : inside + sep)) {
    throw new Fault('FILE_INVALID', {
      what: `${name} leads out of the repository`,
      where: name,
      expected: `a file below ${inside}`,
    });
  }
  const bytes = readSmallFile(path, largestDockerfile);
  if (bytes === undefined) throw unreadable(name, `it is larger than ${largestDockerfile} bytes`);
  return { path, text: bytes.toString('utf8') };
}

function realPathOf(path: string, name: string): string {
  try {
    return realpathSync.native(path);
  } catch (cause) {
    throw unreadable(name, isMissing(cause) ? 'there is no such file' : 'its links lead nowhere', cause);
  }
}

function unreadable(name: string, actual: string, cause?: unknown): Fault {
  return new Fault('FILE_MISSING', {
    what: `${name} cannot be read: ${actual}`,
    where: name,
    ...(cause !== undefined && { cause }),
  });
}

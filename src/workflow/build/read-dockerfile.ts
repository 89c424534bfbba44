import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import type { Dockerfile } from '../../image/dockerfile/instruction.ts';
import { largestDockerfile, parseDockerfile } from '../../image/dockerfile/parse.ts';
import { positionOf } from '../../image/dockerfile/source-text.ts';
import { readStages } from '../../image/dockerfile/stages.ts';

export interface ReadDockerfile {
  /** Named as people near it would. */
  readonly dockerfile: Dockerfile;
  readonly file: string;
  /** Text of the rules that apply: those of this Dockerfile before those of the context. */
  readonly ignoreFile?: string;
}

const usualNames = ['Dockerfile', 'Containerfile'];

/** Reads a Dockerfile and refuses one with problems, all of them said at once. */
export async function readDockerfile(
  cwd: string,
  context: string,
  named: string | undefined,
): Promise<ReadDockerfile> {
  const file = named ?? (await findDockerfile(context));
  const path = shortPath(cwd, file);
  const text = await readText(file);
  const { dockerfile, problems } = parseDockerfile(text, path);
  const all = [...problems, ...readStages(dockerfile).problems].toSorted((a, b) => a.offset - b.offset);
  if (all.length > 0) {
    const faults = all.map(({ offset, message }) => {
      const { line, column } = positionOf(text, offset);
      return new Fault('DOCKERFILE_INVALID', { what: message, where: `${path}:${line}:${column}` });
    });
    const [first] = faults;
    throw faults.length === 1 && first !== undefined
      ? first
      : new FaultList('DOCKERFILE_INVALID', { what: `${faults.length} problems in ${path}` }, faults);
  }
  const ignoreFile =
    (await readIfThere(`${file}.dockerignore`)) ?? (await readIfThere(join(context, '.dockerignore')));
  return { dockerfile, file, ...(ignoreFile !== undefined && { ignoreFile }) };
}

/** Relative below the working folder, as everybody types it. */
function shortPath(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}

async function findDockerfile(context: string): Promise<string> {
  for (const name of usualNames) {
    const path = join(context, name);
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  }
  throw new Fault('FILE_MISSING', {
    what: `there is no Dockerfile in ${context}`,
    where: context,
    expected: usualNames.join(' or '),
    next: 'name it with --file',
  });
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > largestDockerfile) throw new Error(`it is larger than ${largestDockerfile} bytes`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('FILE_MISSING', {
      what: `the Dockerfile ${path} cannot be read`,
      where: path,
      ...(cause instanceof Error && { actual: cause.message }),
      cause,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? await readText(path) : undefined;
}

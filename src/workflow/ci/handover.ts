import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { isMissing } from '../../ground/store/write-fault.ts';

const largestFile = 64 * 1024 * 1024;

/** A reference as it is, or the `ref` of the file that a stage before left: `@file.json`. */
export async function readReference(text: string, cwd: string): Promise<string> {
  if (!text.startsWith('@')) return text;
  const path = resolve(cwd, text.slice(1));
  const { ref } = (await readJsonFile(path)) as { readonly ref?: unknown };
  if (typeof ref === 'string') return ref;
  throw new Fault('FILE_INVALID', { what: 'the file has no "ref"', where: path, expected: '{"ref": "…"}' });
}

/** Values for the next stage: a JSON file, or lines of key=value where a forge reads them. */
export async function writeHandover(
  file: string,
  cwd: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = resolve(cwd, file);
  if (path.endsWith('.json')) {
    await makeFolder(resolve(path, '..'));
    await writeFileAtomically(path, `${JSON.stringify(values, undefined, 2)}\n`);
    return;
  }
  const lines = Object.entries(values).map(([key, value]) => toLine(key, value));
  // The forge owns the file, and what other steps wrote must stay.
  await appendFile(path, lines.join(''));
}

function toLine(key: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (!/[\r\n\0]/.test(text)) return `${key}=${text}\n`;
  throw new Fault('USAGE', {
    what: `the value of ${key} has more than one line`,
    expected: 'one line',
    next: 'write it to a file that ends in .json',
  });
}

export async function readJsonFile(path: string): Promise<object> {
  try {
    const bytes = await readRegularFile(path, largestFile);
    if (bytes === undefined)
      throw new Fault('LIMIT_EXCEEDED', { what: 'the file is too large', where: path });
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    if (isMissing(cause))
      throw new Fault('FILE_MISSING', { what: 'a stage before left no such file', where: path, cause });
  }
  throw new Fault('FILE_INVALID', { what: 'the file is not a JSON object', where: path });
}

/** A stage after the build speaks of a digest, never of a tag that may move. */
export function digestOf(ref: string): string {
  const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(ref) ?? [];
  if (digest !== undefined) return digest;
  throw new Fault('USAGE', {
    what: 'a stage wants the image by its digest',
    actual: ref.slice(0, 300),
    expected: 'REPOSITORY@sha256:…',
  });
}

import { createHash } from 'node:crypto';
import type { Fields } from '../../json/fields.ts';
import { readVersion } from './metadata.ts';
import { refuse } from './refusal.ts';

/** What one file says of another: how long it is, what it hashes to, which version it has. */
export interface FileReference {
  readonly length?: number;
  readonly hashes: ReadonlyMap<'sha256' | 'sha512', string>;
}

export function readReference(fields: Fields): FileReference {
  const hashes = new Map<'sha256' | 'sha512', string>();
  if (fields.has('hashes')) {
    const given = fields.object('hashes');
    for (const name of ['sha256', 'sha512'] as const) {
      if (given.has(name)) hashes.set(name, given.hex(name).toString('hex'));
    }
    if (hashes.size === 0) throw new Error('it has only hashes of an unknown kind');
  }
  return { hashes, ...(fields.has('length') && { length: fields.count('length') }) };
}

/** The version that is wanted of another metadata file, and what is said of its bytes (TUF 1.0 §4.4, §4.6). */
export function readMetaEntry(
  signed: Fields,
  from: string,
  name: string,
): FileReference & { readonly version: number } {
  try {
    const entry = signed.object('meta').object(name);
    return { ...readReference(entry), version: readVersion(entry) };
  } catch (cause) {
    throw refuse(from, cause instanceof Error ? cause.message : `${name} is not described`);
  }
}

export function requireMatch(file: string, bytes: Buffer, { length, hashes }: FileReference): void {
  if (length !== undefined && bytes.length !== length) {
    throw refuse(file, 'it is not as long as announced', {
      expected: `${length} bytes`,
      actual: `${bytes.length} bytes`,
    });
  }
  for (const [name, expected] of hashes) {
    const actual = createHash(name).update(bytes).digest('hex');
    if (actual !== expected) throw refuse(file, `its ${name} is not the one announced`, { expected, actual });
  }
}

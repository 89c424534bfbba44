import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../../../ground/fault/fault.ts';
import { inParallel } from '../../../ground/process/in-parallel.ts';
import type { IgnoreRules } from '../../../image/dockerfile/ignore.ts';
import type { Digest } from '../../../model/digest.ts';

const mostFiles = 1_000_000;
const filesAtOnce = 8;

/** Equal for two folders in which a build would find the same. Owners and times depend on who checked out. */
export async function hashTree(
  root: string,
  ignore: IgnoreRules,
  o: { readonly signal?: AbortSignal },
): Promise<Digest> {
  const paths = await listTree(root, ignore);
  return await hashFiles(root, paths, o);
}

/** Named files of a folder, in any order; one that is not there counts as that. */
export async function hashFiles(
  root: string,
  paths: readonly string[],
  o: { readonly signal?: AbortSignal },
): Promise<Digest> {
  const sorted = [...new Set(paths)].toSorted((a, b) => (a < b ? -1 : 1));
  const lines = await inParallel(sorted, filesAtOnce, async path => {
    o.signal?.throwIfAborted();
    return [path, ...(await describeFile(join(root, path), o))];
  });
  return hashValue(lines);
}

/** The digest of a JSON value, whose keys are already in order. */
export function hashValue(value: unknown): Digest {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}

async function describeFile(place: string, o: { readonly signal?: AbortSignal }): Promise<readonly string[]> {
  const found = await lstat(place).catch(() => undefined);
  if (found === undefined) return ['absent'];
  if (found.isSymbolicLink()) return ['link', await readlink(place)];
  if (found.isDirectory()) return ['folder'];
  if (!found.isFile()) return ['other'];
  const hash = createHash('sha256');
  await pipeline(createReadStream(place), hash, o);
  // Of the permissions Git keeps this one alone; the others come from the umask.
  return [(found.mode & 0o100) === 0 ? 'file' : 'program', hash.digest('hex')];
}

/** What the repository keeps for itself changes with every commit and is no part of what is built. */
const ownFolder = '.git';

async function listTree(root: string, ignore: IgnoreRules): Promise<readonly string[]> {
  const paths: string[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (path === ownFolder) continue;
      const isIgnored = ignore.isIgnored(path);
      if (entry.isDirectory() && (!isIgnored || ignore.mayHold(path))) waiting.push(path);
      if (!isIgnored) paths.push(path);
      if (paths.length > mostFiles)
        throw new Fault('LIMIT_EXCEEDED', {
          what: `the folder holds more than ${mostFiles} files`,
          where: root,
          next: 'name what is not needed in .dockerignore',
        });
    }
  }
  return paths;
}

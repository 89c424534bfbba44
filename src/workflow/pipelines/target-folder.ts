import { chmod, lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { largestGenerated } from '../../delivery/pipeline/ownership.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { prepareAll, prepareFile, writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { isMissing } from '../../ground/store/write-fault.ts';

export interface FileOnDisk {
  readonly text: string;
  readonly isExecutable: boolean;
}

export interface FileToWrite {
  readonly path: string;
  readonly text: string;
  readonly before?: string;
  readonly executable?: boolean;
}

/** The file as it is, or undefined. A link is never followed: it could lead anywhere. */
export async function readTarget(root: string, path: string): Promise<FileOnDisk | undefined> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const place = parts.slice(0, depth).join('/');
    const found = await lstat(join(root, place)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    const isLast = depth === parts.length;
    if (isLast ? found.isFile() : found.isDirectory()) {
      if (!isLast) continue;
      const bytes = await readRegularFile(join(root, path), largestGenerated);
      return { text: bytes?.toString('utf8') ?? '', isExecutable: (found.mode & 0o111) !== 0 };
    }
    throw new Fault('FILE_NOT_OURS', {
      what: `${place} is ${found.isSymbolicLink() ? 'a link' : isLast ? 'no file' : 'no folder'}; nothing was written`,
      where: place,
      expected: isLast ? 'a file, or nothing' : 'a folder, or nothing',
      next: `move ${place} away and run the command again`,
    });
  }
  return undefined;
}

/** All of them or none: each is whole on the disk before the first gets its name. */
export async function writeTargets(root: string, files: readonly FileToWrite[]): Promise<void> {
  const made: string[] = [];
  for (const { path } of files) made.push(...(await missingFolders(root, dirname(path))));
  const done: FileToWrite[] = [];
  try {
    for (const { path } of files) await makeFolder(dirname(join(root, path)));
    const prepared = await prepareAll(
      files.map(async ({ path, text, executable }) => {
        const target = join(root, path);
        const mode = executable === true ? 0o755 : 0o644;
        return { target, ...(await prepareFile(dirname(target), 'cg', text, { mode })) };
      }),
    );
    try {
      for (const [at, one] of prepared.entries()) {
        await one.commit(one.target);
        const file = files[at];
        if (file === undefined) continue;
        done.push(file);
        if (file.executable === true) await chmod(one.target, 0o755);
      }
    } catch (error) {
      for (const one of prepared.slice(done.length)) await one.discard();
      throw error;
    }
  } catch (error) {
    for (const file of done) await takeBack(root, file);
    for (const folder of [...new Set(made)].reverse()) await removeIfEmpty(join(root, folder));
    throw error;
  }
}

async function missingFolders(root: string, folder: string): Promise<readonly string[]> {
  if (folder === '.') return [];
  const above = await missingFolders(root, dirname(folder));
  const isThere = await lstat(join(root, folder)).then(
    () => true,
    () => false,
  );
  return isThere ? above : [...above, folder];
}

async function takeBack(root: string, { path, before, executable }: FileToWrite): Promise<void> {
  const target = join(root, path);
  if (before === undefined) await rm(target, { force: true });
  else await writeFileAtomically(target, before, { mode: executable === true ? 0o755 : 0o644 });
}

async function removeIfEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => ['gone']);
  if (names.length === 0) await rmdir(folder);
}

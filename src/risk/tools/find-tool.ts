import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import {
  judgeTool,
  type LockedAsset,
  type LockedTool,
  lockedTool,
  type ToolsLock,
  type ToolTrust,
} from './lock.ts';

export interface FoundTool {
  readonly path: string;
  readonly digest: string;
  readonly trust: ToolTrust;
}

/** Says why the signature of a locked asset proves nothing; undefined when it proves the asset. */
export type CheckSignature = (tool: LockedTool, asset: LockedAsset) => Promise<string | undefined>;

/** The program on the PATH and what the lock says of it; undefined when there is none. */
export async function findTool(o: {
  readonly tool: string;
  readonly searchPath: string | undefined;
  readonly lock: ToolsLock | undefined;
  readonly checkSignature: CheckSignature;
  readonly now: Date;
}): Promise<FoundTool | undefined> {
  const path = await findProgram(o.tool, o.searchPath);
  if (path === undefined) return undefined;
  const { tool, lock, now } = o;
  const [sha256, platform] = [await fileDigest(path), thisPlatform()];
  const entry = lockedTool(lock, tool);
  const asset = entry?.assets[platform];
  const signature =
    entry !== undefined && asset !== undefined && entry.vouched === undefined
      ? { signature: { problem: await o.checkSignature(entry, asset) } }
      : {};
  return {
    path,
    digest: `sha256:${sha256}`,
    trust: judgeTool({ tool, sha256, platform, lock, now, ...signature }),
  };
}

/** The first of that name on the PATH that may be run, with its links followed. */
export async function findProgram(name: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const folder of (searchPath ?? '').split(delimiter).filter(each => each.startsWith('/'))) {
    const path = await executable(join(folder, name));
    if (path !== undefined) return path;
  }
  return undefined;
}

async function executable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile() ? await realpath(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Hexadecimal SHA-256. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export function thisPlatform(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${process.platform}/${names[process.arch] ?? process.arch}`;
}

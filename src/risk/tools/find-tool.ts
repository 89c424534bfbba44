import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { judgeTool, type ToolsLock, type ToolTrust } from './lock.ts';

export interface FoundTool {
  readonly path: string;
  readonly digest: string;
  readonly trust: ToolTrust;
}

/** The program on the PATH and what the lock says of it; undefined when there is none. */
export async function findTool(o: {
  readonly tool: string;
  readonly searchPath: string | undefined;
  readonly lock: ToolsLock | undefined;
  readonly now: Date;
}): Promise<FoundTool | undefined> {
  for (const folder of (o.searchPath ?? '').split(delimiter).filter(each => each.startsWith('/'))) {
    const path = await executable(join(folder, o.tool));
    if (path === undefined) continue;
    const sha256 = await digestOf(path);
    const { tool, lock, now } = o;
    const trust = judgeTool({ tool, sha256, platform: thisPlatform(), lock, now });
    return { path, digest: `sha256:${sha256}`, trust };
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

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function thisPlatform(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${process.platform}/${names[process.arch] ?? process.arch}`;
}

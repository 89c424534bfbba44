import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** This Node and, where the npm package `node` put them (`.ci/run` does), the other ones that are supported. */
export function findNodes(): { name: string; path: string | undefined }[] {
  const folder = process.env.CG_NODES ?? join(homedir(), '.cache/cg-peers/nodes');
  const others = ['20', '22', '24']
    .filter(major => process.versions.node.split('.')[0] !== major)
    .map(major => ({ name: `Node ${major}`, path: join(folder, major, 'node_modules/node/bin/node') }))
    .map(({ name, path }) => ({ name, path: existsSync(path) ? path : undefined }));
  return [{ name: 'this Node', path: process.execPath }, ...others];
}

import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of a real program to test against, or undefined when this machine does not have it. */
export function findPeer(name: string): string | undefined {
  const folders = [
    ...(process.env.PEERS === undefined ? [] : [process.env.PEERS, join(process.env.PEERS, 'bin')]),
    join(homedir(), '.cache/cg-peers/bin'),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.map(folder => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

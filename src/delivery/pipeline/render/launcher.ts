import type { RenderedFile } from '../model.ts';
import { addHeader } from '../ownership.ts';

export const launcherPath = '.cascadeguard/bin/cg';
export const installLine = 'npm ci --prefix .cascadeguard --ignore-scripts --no-audit --no-fund';

const script = `set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cg="$here/node_modules/cascadeguard/dist/cg.js"
if [ ! -f "$cg" ]; then
  echo "cg is not installed here. Next: ${installLine}" >&2
  exit 2
fi
exec node "$cg" "$@"
`;

/** Runs exactly the cg that the lock file beside it names. */
export function renderLauncher(version: string): RenderedFile {
  const text = addHeader(script, {
    version,
    first: '#!/bin/sh',
    purpose: 'Runs exactly the cg that .cascadeguard/package-lock.json names, and no other.',
  });
  return { path: launcherPath, text, executable: true };
}

import { type ExitCode, exitCodes } from '../ground/fault/exit-codes.ts';
import type { World } from './context.ts';

/** Set when the bundle is built; in a source checkout there is no build to speak of. */
export const version = process.env.CG_BUILD_VERSION ?? '0.0.0-source';
const commit = process.env.CG_BUILD_COMMIT ?? 'unknown';

export function printVersion(words: readonly string[], world: World): ExitCode {
  const json = words.some(
    (word, index) =>
      word === '--output=json' || (word === 'json' && /^(?:--output|-o)$/.test(words[index - 1] ?? '')),
  );
  world.stdout.write(json ? `${JSON.stringify(describeVersion(), null, 2)}\n` : `cg ${version}\n`);
  return exitCodes.done;
}

function describeVersion(): Record<string, unknown> {
  return {
    name: 'cascadeguard',
    version,
    licence: 'Apache-2.0',
    build: { commit },
    runtime: { node: process.versions.node, platform: process.platform, architecture: process.arch },
  };
}

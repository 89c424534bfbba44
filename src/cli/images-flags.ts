import { resolve } from 'node:path';
import { defined } from '../model/defined.ts';
import type { FleetPlace } from '../workflow/images/fleet-place.ts';
import type { Flags, FlagValues } from './command.ts';
import type { Context } from './context.ts';

/** Where the fleet is described: flags of every command about it, before or after its verb. */
export const imagesFlags = {
  imagesYaml: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'the enrolled images (default images.yaml)',
    env: 'IMAGES_YAML',
    group: 'Files',
    complete: 'files',
  },
  stateDir: {
    kind: 'text',
    placeholder: 'DIR',
    brief: 'what is known of them (default .cascadeguard)',
    env: 'CASCADEGUARD_STATE_DIR',
    group: 'Files',
    complete: 'files',
  },
  format: {
    kind: 'text',
    placeholder: 'FORMAT',
    brief: 'older spelling of --output',
    choices: ['table', 'text', 'json'],
    group: 'Files',
  },
} as const satisfies Flags;

export function fleetPlace(flags: FlagValues<typeof imagesFlags>, context: Context): FleetPlace {
  const stateDir = flags.stateDir === undefined ? undefined : resolve(context.cwd, flags.stateDir);
  return {
    cwd: context.cwd,
    env: context.env,
    signal: context.signal,
    ...defined({ imagesYaml: flags.imagesYaml, stateDir }),
  };
}

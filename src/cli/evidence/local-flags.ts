import { resolve } from 'node:path';
import { defined } from '../../model/defined.ts';
import type { Flags, FlagValues } from '../command.ts';
import type { Context } from '../context.ts';

/** Which local Sigstore of this machine. */
export const localFlags = {
  project: {
    kind: 'text',
    placeholder: 'NAME',
    brief: 'project of the local Sigstore (default local)',
    env: 'CG_PROJECT',
    group: 'Local Sigstore',
  },
  sigstoreData: {
    kind: 'text',
    placeholder: 'DIR',
    brief: 'its folder, when it is not the usual one',
    env: 'CG_SIGSTORE_DATA',
    group: 'Local Sigstore',
    complete: 'files',
  },
} as const satisfies Flags;

export function localPlace(
  flags: FlagValues<typeof localFlags>,
  { cwd }: Pick<Context, 'cwd'>,
): { readonly project?: string; readonly folder?: string } {
  return defined({
    project: flags.project,
    folder: flags.sigstoreData === undefined ? undefined : resolve(cwd, flags.sigstoreData),
  });
}

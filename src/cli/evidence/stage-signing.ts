import { findExpectedSigners } from '../../workflow/ci/prove/expected-signers.ts';
import type { SignImageOptions } from '../../workflow/sign-image.ts';
import type { FlagValues } from '../command.ts';
import type { Context } from '../context.ts';
import { type signingFlags, signingOptions } from './signing-flags.ts';

/** How a stage signs: as whom the policy of the project expects, unless the command line names somebody. */
export async function stageSigning(
  image: string,
  flags: FlagValues<typeof signingFlags>,
  context: Context,
): Promise<SignImageOptions> {
  const options = await signingOptions(image, flags, context);
  if (options.expected !== undefined || options.key !== undefined) return options;
  return { ...options, expected: await findExpectedSigners(context.cwd) };
}

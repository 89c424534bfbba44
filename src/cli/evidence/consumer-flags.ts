import { resolve } from 'node:path';
import { defined } from '../../model/defined.ts';
import type { GateOptions } from '../../workflow/gate-image.ts';
import type { Flags, FlagValues } from '../command.ts';
import type { Context } from '../context.ts';
import { reachOptions, registryFlags } from '../registry-flags.ts';
import { localPlace } from './local-flags.ts';
import { policyFlags } from './policy-flags.ts';
import { resolveNamed } from './trust-flags.ts';

const { policy, promotion, trustedRoot, allowStaleRoot, allowLocalTrust, project, sigstoreData } =
  policyFlags;

/** The policy of whoever takes the image: flags of every stage that believes evidence. */
export const consumerFlags = {
  policy: { ...policy, brief: 'the policy; policy.yaml without it, or promotion.yaml where there is one' },
  promotion,
  trustedRoot,
  allowStaleRoot,
  allowLocalTrust,
  project,
  sigstoreData,
  ...registryFlags,
} as const satisfies Flags;

export async function consumerOptions(
  flags: FlagValues<typeof consumerFlags>,
  context: Context,
): Promise<GateOptions & { readonly cwd: string }> {
  return {
    ...(await reachOptions(flags, context)),
    cwd: context.cwd,
    trustedRoots: flags.trustedRoot.map(text => resolveNamed(text, context.cwd)),
    allowStaleRoot: flags.allowStaleRoot,
    allowLocalTrust: flags.allowLocalTrust,
    local: localPlace(flags, context),
    clock: context.clock,
    onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    ...defined({
      policy: flags.policy === undefined ? undefined : resolve(context.cwd, flags.policy),
      promotion: flags.promotion === undefined ? undefined : resolve(context.cwd, flags.promotion),
    }),
  };
}

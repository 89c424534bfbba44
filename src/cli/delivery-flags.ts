import { resolve } from 'node:path';
import { defined } from '../model/defined.ts';
import type { BumpImagesOptions } from '../workflow/bump-images.ts';
import type { EvidenceOptions } from '../workflow/gitops/require-evidence.ts';
import type { Flags, FlagValues } from './command.ts';
import type { Context } from './context.ts';
import { localPlace } from './evidence/local-flags.ts';
import { policyFlags } from './evidence/policy-flags.ts';
import { resolveNamed } from './evidence/trust-flags.ts';
import { reachOptions, registryFlags } from './registry-flags.ts';

const { policy, promotion, trustedRoot, allowStaleRoot, allowLocalTrust, project, sigstoreData } =
  policyFlags;

/** Where the environments are described: flags of every command that reads or writes them. */
export const repositoryFlags = {
  repository: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'the Git repository that describes the environments; gitops.repository without it',
    group: 'Git',
    complete: 'files',
  },
  branch: {
    kind: 'text',
    placeholder: 'NAME',
    brief: 'its branch; gitops.branch or main without it',
    group: 'Git',
  },
} as const satisfies Flags;

/** What must be proven before a digest is pinned, and how. */
export const deliveryFlags = {
  plan: { kind: 'toggle', brief: 'say what would change, and change nothing' },
  ...repositoryFlags,
  policy: { ...policy, brief: 'what an image must prove; that of the environment without it' },
  promotion,
  allowUnverified: {
    kind: 'toggle',
    brief: 'pin what the policy denies, or what none vouches for; the commit says so, and why',
    group: 'Policy',
  },
  reason: {
    kind: 'text',
    placeholder: 'TEXT',
    brief: 'why, for the commit; --allow-unverified needs it',
    group: 'Policy',
  },
  trustedRoot,
  allowStaleRoot,
  allowLocalTrust,
  project,
  sigstoreData,
  ...registryFlags,
} as const satisfies Flags;

/** For the help of every command that can overrule a policy. */
export const overrideAbout =
  'With --allow-unverified --reason TEXT the policy is asked all the same; when it denies, a warning names each rule, and the\n' +
  'commit says "Evidence: unverified", the rules and the reason for ever. Evidence that could not be judged, because something\n' +
  'did not answer (3) or cannot be trusted (4), is no denial: nothing overrules that, and nothing is pinned.';

export async function deliveryOptions(
  flags: FlagValues<typeof deliveryFlags>,
  context: Context,
): Promise<
  EvidenceOptions & {
    cwd: string;
    plan: boolean;
    repository?: string;
    branch?: string;
    onRetry: NonNullable<BumpImagesOptions['onRetry']>;
  }
> {
  const inside = (file: string) => resolve(context.cwd, file);
  return {
    ...(await reachOptions(flags, context)),
    ...repositoryOptions(flags, context),
    plan: flags.plan,
    allowUnverified: flags.allowUnverified,
    trustedRoots: flags.trustedRoot.map(text => resolveNamed(text, context.cwd)),
    allowStaleRoot: flags.allowStaleRoot,
    allowLocalTrust: flags.allowLocalTrust,
    local: localPlace(flags, context),
    clock: context.clock,
    onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    onRetry: (attempt, { told, isLocked }) =>
      context.progress(
        isLocked
          ? {
              type: 'note',
              level: 'warning',
              text: `attempt ${attempt}: the remote holds a lock on the branch; trying again (${told})`,
            }
          : {
              type: 'detail',
              text: `attempt ${attempt}: somebody was faster (${told}); the edit is made again`,
            },
      ),
    ...defined({
      reason: flags.reason,
      policy: flags.policy === undefined ? undefined : inside(flags.policy),
      promotion: flags.promotion === undefined ? undefined : inside(flags.promotion),
    }),
  };
}

export function repositoryOptions(
  { repository, branch }: FlagValues<typeof repositoryFlags>,
  context: Context,
): { cwd: string; repository?: string; branch?: string } {
  return { cwd: context.cwd, ...defined({ repository, branch }) };
}

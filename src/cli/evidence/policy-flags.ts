import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import type { GateImagesOptions } from '../../workflow/gate-image.ts';
import type { Flags, FlagValues } from '../command.ts';
import type { Context } from '../context.ts';
import { reachOptions, registryFlags } from '../registry-flags.ts';
import { localPlace } from './local-flags.ts';
import { resolveNamed, trustFlags } from './trust-flags.ts';

const { trustedRoot, allowStaleRoot, allowLocalTrust, project, sigstoreData, maxEvidence } = trustFlags;

/** Which images, by which policy: flags of every command that gates, in the words of Enterprise Contract. */
export const policyFlags = {
  image: {
    kind: 'text',
    placeholder: 'REF',
    brief: 'an image, beside those named',
    short: 'i',
    group: 'Images',
    many: true,
  },
  images: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'components file, or its content',
    group: 'Images',
    many: true,
    complete: 'files',
  },
  snapshot: {
    kind: 'text',
    placeholder: 'JSON',
    brief: 'the same as its content',
    group: 'Images',
    many: true,
  },
  filePath: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'older spelling of --images',
    short: 'f',
    group: 'Images',
    many: true,
    complete: 'files',
  },
  jsonInput: {
    kind: 'text',
    placeholder: 'JSON',
    brief: 'older spelling of --snapshot',
    short: 'j',
    group: 'Images',
    many: true,
  },
  policy: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'policy.yaml, or its content',
    short: 'p',
    group: 'Policy',
    complete: 'files',
  },
  promotion: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'promotion.yaml, which may extend policy.yaml',
    group: 'Policy',
    complete: 'files',
  },
  extraRuleData: {
    kind: 'text',
    placeholder: 'KEY=VALUE',
    brief: 'rule data for every source',
    group: 'Policy',
    many: true,
  },
  allowUnmatched: {
    kind: 'toggle',
    brief: 'accept names in include and exclude that no rule has',
    group: 'Policy',
  },
  effectiveTime: {
    kind: 'text',
    placeholder: 'TIME',
    brief: 'what "now" is: now, attestation, a date or RFC 3339',
    group: 'Policy',
    fallback: 'now',
  },
  allowPastEffectiveTime: { kind: 'toggle', brief: 'accept a time in the past', group: 'Policy' },
  certificateIdentity: {
    kind: 'text',
    placeholder: 'WHO',
    brief: 'whose signatures count; instead of that of the policy',
    group: 'Whom to believe',
  },
  certificateIdentityRegexp: {
    kind: 'text',
    placeholder: 'RE2',
    brief: 'the same as a pattern for the whole text',
    group: 'Whom to believe',
  },
  certificateOidcIssuer: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'who vouches for that identity',
    group: 'Whom to believe',
  },
  certificateOidcIssuerRegexp: {
    kind: 'text',
    placeholder: 'RE2',
    brief: 'the same as a pattern for the whole text',
    group: 'Whom to believe',
  },
  publicKey: {
    kind: 'text',
    placeholder: 'KEY',
    brief: 'a public key: a file or env://NAME',
    short: 'k',
    group: 'Whom to believe',
    complete: 'files',
  },
  rekorUrl: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'accepted and not needed: proofs are verified as they were stored',
    short: 'r',
    group: 'Whom to believe',
  },
  ignoreRekor: {
    kind: 'toggle',
    brief: 'for keys only: take signatures that no log knows',
    group: 'Whom to believe',
  },
  skipImageSigCheck: { kind: 'toggle', brief: 'ask for no image signature', group: 'Whom to believe' },
  skipAttSigCheck: { kind: 'toggle', brief: 'ask for no attestation', group: 'Whom to believe' },
  trustedRoot,
  allowStaleRoot,
  allowLocalTrust,
  project,
  sigstoreData,
  maxEvidence,
  workers: {
    kind: 'count',
    placeholder: 'N',
    brief: 'images looked at side by side',
    min: 1,
    max: 35,
    fallback: 5,
    group: 'Demands',
  },
  timeout: {
    kind: 'duration',
    placeholder: 'TIME',
    brief: 'give up after',
    min: 1000,
    fallback: 300_000,
    group: 'Demands',
  },
  ...registryFlags,
} as const satisfies Flags;

export async function gateOptions(
  flags: FlagValues<typeof policyFlags>,
  images: readonly string[],
  context: Context,
): Promise<GateImagesOptions> {
  const file = (text: string) => (/^\s*\{|\n|:\s/.test(text) ? text : resolve(context.cwd, text));
  const reach = await reachOptions(flags, context);
  refuseUnlogged(flags);
  return {
    ...reach,
    cwd: context.cwd,
    signal: AbortSignal.any([context.signal, AbortSignal.timeout(flags.timeout)]),
    images: [...images, ...flags.image],
    components: [...flags.images, ...flags.filePath].map(file).concat(flags.snapshot, flags.jsonInput),
    extraRuleData: flags.extraRuleData,
    allowUnmatched: flags.allowUnmatched,
    effectiveTime: flags.effectiveTime,
    allowPastTime: flags.allowPastEffectiveTime,
    skipSignature: flags.skipImageSigCheck,
    skipAttestation: flags.skipAttSigCheck,
    trustedRoots: flags.trustedRoot.map(text => resolveNamed(text, context.cwd)),
    allowStaleRoot: flags.allowStaleRoot,
    allowLocalTrust: flags.allowLocalTrust,
    local: localPlace(flags, context),
    clock: context.clock,
    workers: flags.workers,
    onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    ...defined({
      policy: flags.policy === undefined ? undefined : placeOf(flags.policy, file),
      promotion: flags.promotion === undefined ? undefined : resolve(context.cwd, flags.promotion),
      publicKey: keyOf(flags.publicKey, context),
      identity: identityOf(flags),
      maxItemBytes: flags.maxEvidence,
    }),
  };
}

/** A place elsewhere is refused by the story, in its own words. */
function placeOf(policy: string, file: (text: string) => string): string {
  return /^(?:git::|https?:\/\/|git@|(?:github|gitlab)\.com\/|oci:|k8s:)/.test(policy)
    ? policy
    : file(policy);
}

function keyOf(key: string | undefined, { cwd }: Context): string | undefined {
  return key === undefined || key.startsWith('env://') || key.includes('-----BEGIN')
    ? key
    : resolve(cwd, key);
}

function identityOf(flags: FlagValues<typeof policyFlags>): GateImagesOptions['identity'] {
  const identity = defined({
    subject: flags.certificateIdentity,
    subjectRegExp: flags.certificateIdentityRegexp,
    issuer: flags.certificateOidcIssuer,
    issuerRegExp: flags.certificateOidcIssuerRegexp,
  });
  return Object.keys(identity).length === 0 ? undefined : identity;
}

/** Without a log nobody knows when a keyless certificate was used, and it is valid for ten minutes. */
function refuseUnlogged({ ignoreRekor, publicKey }: FlagValues<typeof policyFlags>): void {
  if (!ignoreRekor || publicKey !== undefined) return;
  throw new Fault('USAGE', {
    what: '--ignore-rekor is for keys: without a log a keyless signature proves no time',
    expected: '--public-key KEY beside it',
    next: 'leave --ignore-rekor out',
  });
}

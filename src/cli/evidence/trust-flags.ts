import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import type { IdentityPattern } from '../../model/identity.ts';
import type { TrustChoice } from '../../workflow/verify-image.ts';
import type { Flags, FlagValues } from '../command.ts';
import type { Context } from '../context.ts';
import { localFlags, localPlace } from './local-flags.ts';

/** Whom and what to believe: flags of every command that verifies. */
export const trustFlags = {
  identity: {
    kind: 'text',
    placeholder: 'WHO',
    brief: 'whose signatures count, exactly as the certificate says it',
    group: 'Whom to believe',
    many: true,
  },
  identityRegexp: {
    kind: 'text',
    placeholder: 'RE2',
    brief: 'the same as a pattern for the whole text',
    group: 'Whom to believe',
    many: true,
  },
  issuer: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'who vouches for that identity',
    group: 'Whom to believe',
  },
  issuerRegexp: {
    kind: 'text',
    placeholder: 'RE2',
    brief: 'the same as a pattern for the whole text',
    group: 'Whom to believe',
  },
  claim: {
    kind: 'text',
    placeholder: 'NAME=VALUE',
    brief: 'what else the certificate must say, as in sourceRepositoryRef=refs/heads/main',
    group: 'Whom to believe',
    many: true,
  },
  key: {
    kind: 'text',
    placeholder: 'KEY',
    brief: 'a public key: a file or env://NAME',
    group: 'Whom to believe',
    many: true,
    complete: 'files',
  },
  trustedRoot: {
    kind: 'text',
    placeholder: '[NAME=]FILE',
    brief: 'judge with this root and not with that of the public Sigstore',
    group: 'Trust roots',
    many: true,
    complete: 'files',
  },
  allowStaleRoot: { kind: 'toggle', brief: 'judge with a root after its expiry', group: 'Trust roots' },
  allowLocalTrust: {
    kind: 'toggle',
    brief: 'accept the local Sigstore of this machine; not for production',
    group: 'Trust roots',
  },
  ...localFlags,
  logEntries: {
    kind: 'count',
    placeholder: 'N',
    brief: 'how many different logs must know each item',
    group: 'Demands',
    max: 8,
  },
  timestamps: {
    kind: 'count',
    placeholder: 'N',
    brief: 'how many verified times each item needs',
    group: 'Demands',
    max: 8,
  },
  maxEvidence: {
    kind: 'bytes',
    placeholder: 'SIZE',
    brief: 'the largest single item that is read (default 64MiB)',
    group: 'Demands',
    min: 1024,
  },
} as const satisfies Flags;

export function trustChoice(flags: FlagValues<typeof trustFlags>, context: Context): TrustChoice {
  return {
    identities: identitiesOf(flags),
    keys: flags.key.map(key => (key.startsWith('env://') ? key : resolve(context.cwd, key))),
    trustedRoots: flags.trustedRoot.map(text => resolveNamed(text, context.cwd)),
    allowStaleRoot: flags.allowStaleRoot,
    allowLocalTrust: flags.allowLocalTrust,
    local: localPlace(flags, context),
    clock: context.clock,
    ...defined({ logEntries: flags.logEntries, times: flags.timestamps, maxItemBytes: flags.maxEvidence }),
  };
}

/** Every identity belongs to the one issuer that is named. */
function identitiesOf(flags: FlagValues<typeof trustFlags>): IdentityPattern[] {
  const { identity, identityRegexp, issuer, issuerRegexp } = flags;
  const claims = claimsOf(flags.claim);
  if (flags.claim.length > 0 && flags.key.length > 0)
    throw new Fault('USAGE', {
      what: '--claim is about certificates, and what --key accepts has none',
      expected: '--claim with --identity, or --key alone',
    });
  const shared = {
    ...defined({ issuer, issuerRegExp: issuerRegexp }),
    ...(Object.keys(claims).length > 0 && { claims }),
  };
  const identities = [
    ...identity.map(subject => ({ subject, ...shared })),
    ...identityRegexp.map(subjectRegExp => ({ subjectRegExp, ...shared })),
  ];
  const isHalf = identities.length === 0 && Object.keys(shared).length > 0;
  return isHalf ? [shared] : identities;
}

function claimsOf(texts: readonly string[]): Record<string, string> {
  const claims = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1)
      throw new Fault('USAGE', {
        what: `--claim takes NAME=VALUE, and "${text}" is not that`,
        expected: 'sourceRepositoryRef=refs/heads/main',
        actual: text,
      });
    const before = claims.get(name);
    if (before !== undefined && before !== value)
      throw new Fault('USAGE', {
        what: `--claim says two things about ${name}, and no certificate says both`,
        expected: 'each name once',
        actual: `${before} and ${value}`,
      });
    claims.set(name, value);
  }
  return Object.fromEntries(claims);
}

export function resolveNamed(text: string, cwd: string): string {
  const [, name, path = text] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})=(.+)$/.exec(text) ?? [];
  return name === undefined ? resolve(cwd, path) : `${name}=${resolve(cwd, path)}`;
}

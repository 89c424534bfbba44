import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import { describeSigner, type IdentityPattern } from '../../model/identity.ts';
import type { SignImageOptions, SigningEvent } from '../../workflow/sign-image.ts';
import type { Flags, FlagValues } from '../command.ts';
import type { Context } from '../context.ts';
import { reachOptions, registryFlags } from '../registry-flags.ts';
import { localFlags, localPlace } from './local-flags.ts';

/** Who signs and where it is witnessed: flags of every command that signs. */
export const signingFlags = {
  recursive: { kind: 'toggle', brief: 'an index and every platform in it', short: 'r' },
  shape: {
    kind: 'text',
    placeholder: 'FORM',
    brief: 'bundle (cosign 3), legacy (cosign 2) or both',
    choices: ['both', 'bundle', 'legacy'],
    fallback: 'both',
  },
  key: {
    kind: 'text',
    placeholder: 'KEY',
    brief: 'sign with a key: a file, env://NAME or command:PROGRAM',
    group: 'Signer',
    complete: 'files',
  },
  publicKey: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'the public key of command:PROGRAM',
    group: 'Signer',
    complete: 'files',
  },
  identityToken: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'file with the identity token; in CI it is found without',
    group: 'Signer',
    complete: 'files',
  },
  expectIdentity: {
    kind: 'text',
    placeholder: 'WHO',
    brief: 'refuse to sign as anybody else',
    group: 'Signer',
  },
  expectIssuer: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'refuse an identity from another issuer',
    group: 'Signer',
  },
  local: {
    kind: 'toggle',
    brief: 'use the local Sigstore, with a development identity',
    group: 'Local Sigstore',
  },
  as: {
    kind: 'text',
    placeholder: 'WHO',
    brief: 'with --local: as whom; github, gitlab, an e-mail address, or a whole identity (default github)',
    group: 'Local Sigstore',
  },
  ...localFlags,
  signingConfig: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'signing_config.json of a private Sigstore',
    group: 'Private Sigstore',
    complete: 'files',
  },
  fulcioUrl: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'certificate authority',
    group: 'Private Sigstore',
  },
  rekorUrl: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'transparency log (Rekor 1)',
    group: 'Private Sigstore',
  },
  timestampUrl: {
    kind: 'text',
    placeholder: 'URL',
    brief: 'timestamp authority, with its path',
    group: 'Private Sigstore',
  },
  trustedRoot: {
    kind: 'text',
    placeholder: 'FILE',
    brief: 'trusted_root.json of those services',
    group: 'Private Sigstore',
    complete: 'files',
  },
  ...registryFlags,
} as const satisfies Flags;

export async function signingOptions(
  image: string,
  flags: FlagValues<typeof signingFlags>,
  context: Context,
): Promise<SignImageOptions> {
  const path = (file: string | undefined) => (file === undefined ? undefined : resolve(context.cwd, file));
  const isFile = flags.key !== undefined && !/^(?:env:\/\/|command:)/.test(flags.key);
  return {
    ...(await reachOptions(flags, context)),
    image,
    recursive: flags.recursive,
    shape: flags.shape,
    clock: context.clock,
    onEvent: event => tell(event, context),
    ...defined({
      key: isFile ? path(flags.key) : flags.key,
      publicKey: path(flags.publicKey),
      identityToken: path(flags.identityToken),
      signingConfig: path(flags.signingConfig),
      trustedRoot: path(flags.trustedRoot),
      fulcioUrl: flags.fulcioUrl,
      rekorUrl: flags.rekorUrl,
      timestampUrl: flags.timestampUrl,
      local: flags.local ? { ...localPlace(flags, context), ...defined({ as: flags.as }) } : undefined,
      expected: expectedOf(flags),
      askPassword: context.interactive ? () => askPassword(context) : undefined,
    }),
  };
}

function expectedOf({
  expectIdentity: subject,
  expectIssuer: issuer,
}: FlagValues<typeof signingFlags>): readonly IdentityPattern[] | undefined {
  if (subject === undefined && issuer === undefined) return undefined;
  if (subject !== undefined && issuer !== undefined) return [{ subject, issuer }];
  throw new Fault('USAGE', {
    what: 'an expected signer is an identity and its issuer',
    expected: '--expect-identity WHO --expect-issuer URL',
    actual: subject === undefined ? 'only --expect-issuer' : 'only --expect-identity',
    next: 'cg sign --help',
  });
}

function tell(event: SigningEvent, { progress, say }: Context): void {
  switch (event.kind) {
    case 'resolved':
      for (const digest of event.digests) say(`about   ${event.reference.replace(/@.*$/, '')}@${digest}`);
      break;
    case 'signer':
      say(`signing as ${describeSigner(event.signer)}, trust ${event.trust}`);
      break;
    case 'warning':
      progress({ type: 'note', level: 'warning', text: event.text });
      break;
  }
}

async function askPassword(context: Context): Promise<string> {
  return (await context.ask?.('password of the signing key: ', { hidden: true })) ?? '';
}

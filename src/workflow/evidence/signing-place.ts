import { join } from 'node:path';
import { Fault, hasCode } from '../../ground/fault/fault.ts';
import { readNamedText } from '../../ground/store/named-text.ts';
import { type Clock, systemClock } from '../../model/clock.ts';
import type { IdentityPattern } from '../../model/identity.ts';
import { findIdentityToken } from '../../trust/attest/identity-token/find-token.ts';
import { type IdentityToken, readIdentityToken } from '../../trust/attest/identity-token/identity-token.ts';
import { mintOffline } from '../../trust/attest/local-sigstore/identity/mint-offline.ts';
import type { Http, ServiceCall } from '../../trust/attest/services/http.ts';
import {
  parseSigningConfig,
  publicGoodServices,
  type SigningServices,
} from '../../trust/attest/services/signing-services.ts';
import type { SigningPlace } from '../../trust/attest/sign.ts';
import { type SigningRun, startKeylessRun, startKeyRun } from '../../trust/attest/signing-run.ts';
import type { TrustRoot } from '../../trust/attest/trust-root/trust-root.ts';
import { claimsFor } from '../serve-sigstore.ts';
import { openSigningKey } from './open-key.ts';
import { type LocalPlace, localFolder, readLocalRoot, readNamedRoot, readPublicRoot } from './trust-roots.ts';

const signingConfig = 'the signing configuration';

/** Who signs, and where it is witnessed, as people say it. */
export interface SigningChoice {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The local Sigstore of this machine, with a development identity. */
  readonly local?: LocalPlace & { readonly as?: string };
  /** A `signing_config.json`; single addresses below win over it. */
  readonly signingConfig?: string;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  readonly timestampUrl?: string;
  /** The trust root of those services. */
  readonly trustedRoot?: string;
  /** A file with the identity token. */
  readonly identityToken?: string;
  /** A file, `env://NAME` or `command:PROGRAM`. */
  readonly key?: string;
  readonly publicKey?: string;
  readonly askPassword?: () => Promise<string>;
  /** Refuse to sign as anybody else. */
  readonly expected?: readonly IdentityPattern[];
  readonly shape?: EvidenceShape;
  readonly clock?: Clock;
}

/** `bundle` is what cosign 3 reads, `legacy` what cosign 2 reads. */
export type EvidenceShape = 'both' | 'bundle' | 'legacy';

export interface OpenedSigning {
  readonly run: SigningRun;
  /** Undefined when no bundle is wanted. */
  readonly bundle?: SigningPlace;
  /** Undefined when no legacy form is wanted, or possible. */
  readonly legacy?: SigningPlace;
  /** The name of the root against which everything is checked before it is stored. */
  readonly trust: string;
  readonly warnings: readonly string[];
}

/** Turns the choice into a run that signs, the services that witness, and the root that checks. */
export async function openSigning(
  choice: SigningChoice,
  http: Http,
  o: ServiceCall = {},
): Promise<OpenedSigning> {
  const services = await chooseServices(choice);
  const root = await chooseRoot(choice, services);
  const { places, warnings } = choosePlaces(choice, services, { http, root });
  const run = await startRun(choice, services, http, o).catch((error: unknown) => {
    throw choice.local !== undefined && hasCode(error, 'NETWORK') ? asleep(error) : error;
  });
  return {
    run,
    ...places,
    trust: run.signer.kind === 'key' ? `key:${run.signer.keyId}` : root.name,
    warnings,
  };
}

/** The local Sigstore is a server as well, and somebody has to start it. */
function asleep({ message, where = '', cause }: Fault): Fault {
  return new Fault('NETWORK', {
    what: `the local Sigstore does not answer: ${message}`,
    where,
    next: 'cg sigstore serve, in another terminal',
    cause,
  });
}

async function chooseServices(choice: SigningChoice): Promise<SigningServices> {
  const base = await baseServices(choice);
  const { fulcioUrl, rekorUrl, timestampUrl } = choice;
  return {
    ...base,
    ...(fulcioUrl !== undefined && { fulcio: trimSlash(fulcioUrl) }),
    ...(rekorUrl !== undefined && { rekorV1: trimSlash(rekorUrl) }),
    ...(timestampUrl !== undefined && { timestamp: timestampUrl }),
  };
}

async function baseServices(choice: SigningChoice): Promise<SigningServices> {
  const now = (choice.clock ?? systemClock).now();
  if (choice.local !== undefined) {
    const folder = localFolder(choice.local, choice.env);
    const read = async (name: string) =>
      parseSigningConfig(
        await readNamedText(join(folder, name), { what: signingConfig, next: 'cg sigstore serve' }),
        now,
      );
    // The two files differ in their log: the old form of evidence needs the first, bundles take the second.
    return { ...(await read('signing_config.v1-tsa.json')), ...(await read('signing_config.json')) };
  }
  if (choice.signingConfig !== undefined) {
    return parseSigningConfig(await readNamedText(choice.signingConfig, { what: signingConfig }), now);
  }
  if (namesServices(choice)) return {};
  // A key needs nobody's witness, so nothing is published unless a log is named.
  return choice.key === undefined ? publicGoodServices : {};
}

function namesServices({ fulcioUrl, rekorUrl, timestampUrl }: SigningChoice): boolean {
  return [fulcioUrl, rekorUrl, timestampUrl].some(url => url !== undefined);
}

async function chooseRoot(choice: SigningChoice, services: SigningServices): Promise<TrustRoot> {
  if (choice.trustedRoot !== undefined) return await readNamedRoot(choice.trustedRoot);
  if (choice.local !== undefined) return await readLocalRoot(localFolder(choice.local, choice.env));
  const isPublic = Object.values(services).every(
    url => url.endsWith('.sigstore.dev') || url.includes('.sigstore.dev/'),
  );
  // Without a service nothing has to be vouched for but the key itself, and any root will do.
  if (isPublic) return await readPublicRoot(choice.env);
  throw new Fault('USAGE', {
    what: 'What a Sigstore of your own signs cannot be checked before it is stored, because its trust root is not named.',
    expected: '--trusted-root FILE',
    next: 'name the trusted_root.json that belongs to the services',
  });
}

function choosePlaces(
  { shape = 'both', key }: SigningChoice,
  services: SigningServices,
  base: { readonly http: Http; readonly root: TrustRoot },
): { places: Pick<OpenedSigning, 'bundle' | 'legacy'>; warnings: string[] } {
  const { rekorV1, rekorV2, timestamp: _timestamp, ...others } = services;
  const hasLog = rekorV1 !== undefined || rekorV2 !== undefined;
  const bundle: SigningPlace = { ...base, services, log: hasLog || key === undefined ? 'newest' : 'none' };
  if (shape === 'bundle') return { places: { bundle }, warnings: [] };
  // Readers of the old form take the time from the promise of Rekor 1, and know nothing of other logs.
  const legacy: SigningPlace = {
    ...base,
    services: { ...others, ...(rekorV1 !== undefined && { rekorV1 }) },
    log: rekorV1 === undefined ? 'none' : 'v1',
  };
  const isPossible = rekorV1 !== undefined || (key !== undefined && !hasLog);
  if (isPossible) return { places: shape === 'legacy' ? { legacy } : { bundle, legacy }, warnings: [] };
  if (shape === 'both') {
    const warning =
      'no Rekor 1 log is configured, so the legacy form (.sig, .att) is left out; cosign 2 will see nothing';
    return { places: { bundle }, warnings: [warning] };
  }
  throw new Fault('USAGE', {
    what: 'The legacy form needs a Rekor 1 log, and none is configured.',
    expected: 'a Rekor 1 log, or --shape bundle',
    next: 'name a log with --rekor-url, or use --shape bundle',
  });
}

async function startRun(
  choice: SigningChoice,
  services: SigningServices,
  http: Http,
  o: ServiceCall,
): Promise<SigningRun> {
  if (choice.key !== undefined) {
    if (choice.expected !== undefined && choice.expected.length > 0) {
      throw new Fault('USAGE', {
        what: 'A key has no identity that could be expected.',
        next: 'leave out --expect-identity and --expect-issuer, or sign without --key',
      });
    }
    return startKeyRun(await openSigningKey({ ...choice, key: choice.key }));
  }
  const { expected, clock } = choice;
  const token = await findToken(choice, http, o);
  return await startKeylessRun(
    {
      token,
      services,
      http,
      ...(clock !== undefined && { clock }),
      ...(expected !== undefined && expected.length > 0 && { expected }),
    },
    o,
  );
}

/** With the local Sigstore a token of its own, unless one is given. */
async function findToken(choice: SigningChoice, http: Http, o: ServiceCall): Promise<IdentityToken> {
  const { env, local, identityToken, clock = systemClock } = choice;
  if (local !== undefined && identityToken === undefined && !env['SIGSTORE_ID_TOKEN']) {
    const text = await mintOffline(localFolder(local, env), claimsFor(local.as ?? 'github'));
    return readIdentityToken(text, 'the local Sigstore', clock);
  }
  return await findIdentityToken(
    { environment: env, http, clock, ...(identityToken !== undefined && { file: identityToken }) },
    o,
  );
}

function trimSlash(url: string): string {
  return url.replace(/\/$/, '');
}

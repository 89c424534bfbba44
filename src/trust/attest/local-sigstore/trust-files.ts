import { join } from 'node:path';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import type { Certificate } from '../certificates/certificate.ts';
import { encodePem } from '../certificates/pem.ts';
import { spkiOf } from '../certificates/profile.ts';
import { encodeBase64 } from '../json/base64.ts';
import type { JsonObject } from '../json/strict-json.ts';
import { keyIdOf } from '../log/key-id.ts';
import type { LocalAuthority } from './authority/authority.ts';
import { namesFor } from './authority/authority.ts';
import type { LocalKeys } from './keys.ts';

export interface TrustFacts {
  readonly keys: LocalKeys;
  readonly authority: LocalAuthority;
  readonly project: string;
  /** The address that is written into logs and roots; it stays when the port of a later run differs. */
  readonly url: string;
  readonly rekorV2KeyId: Buffer;
}

/** Everything a verifier needs to know, in the form that all Sigstore clients read. */
export function trustedRootOf(facts: TrustFacts): JsonObject {
  const { keys, authority, url } = facts;
  const names = namesFor(facts.project);
  const validFor = { start: startOf(authority.root) };
  const log = (key: 'rekor-v1' | 'rekor-v2' | 'ct-log', keyDetails: string, keyId: Buffer): JsonObject => ({
    baseUrl: url,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: encodeBase64(spkiOf(keys[key])), keyDetails, validFor },
    logId: { keyId: encodeBase64(keyId) },
  });
  const chain = (subject: JsonObject, ...certificates: readonly Certificate[]): JsonObject => ({
    subject,
    uri: url,
    certChain: { certificates: certificates.map(({ raw }) => ({ rawBytes: encodeBase64(raw) })) },
    validFor,
  });
  const ecdsa = 'PKIX_ECDSA_P256_SHA_256';
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      log('rekor-v1', ecdsa, keyIdOf(spkiOf(keys['rekor-v1']))),
      log('rekor-v2', 'PKIX_ED25519', facts.rekorV2KeyId),
    ],
    certificateAuthorities: [chain({ ...names.root }, authority.intermediate, authority.root)],
    ctlogs: [log('ct-log', ecdsa, keyIdOf(spkiOf(keys['ct-log'])))],
    timestampAuthorities: [chain({ ...names.tsaRoot }, authority.timestamp, authority.timestampRoot)],
  };
}

export type SigningConfigVariant = 'v1' | 'v1-tsa' | 'v2-tsa' | 'none';

/** Which services a client shall use, at the address where they answer now. */
export function signingConfigOf(
  url: string,
  issuer: string,
  start: string,
  variant: SigningConfigVariant,
): JsonObject {
  const service = (at: string, majorApiVersion: number): JsonObject => ({
    url: at,
    majorApiVersion,
    validFor: { start },
    operator: 'local',
  });
  const rekor = variant === 'none' ? [] : [service(url, variant === 'v2-tsa' ? 2 : 1)];
  const tsa = variant.endsWith('tsa') ? [service(`${url}/api/v1/timestamp`, 1)] : [];
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(url, 1)],
    oidcUrls: [service(issuer, 1)],
    rekorTlogUrls: rekor,
    ...(rekor.length > 0 && { rekorTlogConfig: { selector: 'ANY' } }),
    tsaUrls: tsa,
    ...(tsa.length > 0 && { tsaConfig: { selector: 'ANY' } }),
  };
}

export function startOf(certificate: Certificate): string {
  return certificate.notBefore.toISOString().replace('.000Z', 'Z');
}

/** Writes the files that other programs read; the names are those that cosign's documentation uses. */
export async function writeTrustFiles(
  folder: string,
  facts: TrustFacts,
  url: string,
  issuer: string,
): Promise<void> {
  const { keys, authority } = facts;
  const start = startOf(authority.root);
  const root = trustedRootOf(facts);
  const pem = (...certificates: readonly Certificate[]) =>
    certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
  const publicPem = (key: keyof LocalKeys) => encodePem('PUBLIC KEY', spkiOf(keys[key]));
  const config = (variant: SigningConfigVariant) => pretty(signingConfigOf(url, issuer, start, variant));
  const files: Readonly<Record<string, string>> = {
    'trusted_root.json': pretty(root),
    // gh reads JSON Lines and wants the last newline.
    'trusted_root.jsonl': `${JSON.stringify(root)}\n`,
    'signing_config.json': config('v2-tsa'),
    'signing_config.v1.json': config('v1'),
    'signing_config.v1-tsa.json': config('v1-tsa'),
    'signing_config.none.json': config('none'),
    'fulcio.pem': pem(authority.intermediate, authority.root),
    'tsa.pem': pem(authority.timestamp, authority.timestampRoot),
    'rekor.pub': publicPem('rekor-v1'),
    'rekor-v2.pub': publicPem('rekor-v2'),
    'ctfe.pub': publicPem('ct-log'),
    'cosign.env': environmentOf(folder),
  };
  await Promise.all(
    Object.entries(files).map(([name, text]) =>
      writeFileAtomically(join(folder, name), text, { mode: 0o644 }),
    ),
  );
}

/** What cosign up to 2.5 needs beside --trusted-root, which still calls home there. */
function environmentOf(folder: string): string {
  return [
    `SIGSTORE_ROOT_FILE=${join(folder, 'fulcio.pem')}`,
    `SIGSTORE_REKOR_PUBLIC_KEY=${join(folder, 'rekor.pub')}`,
    `SIGSTORE_CT_LOG_PUBLIC_KEY_FILE=${join(folder, 'ctfe.pub')}`,
    '',
  ].join('\n');
}

function pretty(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

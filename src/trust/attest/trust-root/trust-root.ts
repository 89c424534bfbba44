import { createPublicKey, type KeyObject } from 'node:crypto';
import { Fault } from '../../../ground/fault/fault.ts';
import { isLocalTrust } from '../../../model/evidence.ts';
import { type Certificate, parseCertificate } from '../certificates/certificate.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import { ed25519NoteKeyId, keyIdOf, rsaNoteKeyId } from '../log/key-id.ts';
import { saysLocal } from './local-certificate.ts';

/** The keys that may vouch for evidence, under one name. */
export interface TrustRoot {
  /** `public-good`, `private:<name>` or `local:<project>`. */
  readonly name: string;
  readonly logs: readonly TrustedLog[];
  readonly certificateLogs: readonly TrustedLog[];
  readonly authorities: readonly TrustedAuthority[];
  readonly timestampAuthorities: readonly TrustedAuthority[];
  /** When the root stops to be believed, if it says so. */
  readonly expires?: Date;
  /** When it was fetched. */
  readonly taken?: Date;
  /** Of the public root alone: whether it ships with the program or was fetched by `cg trust update`. */
  readonly origin?: 'shipped' | 'refreshed';
}

export interface ValidityWindow {
  readonly start: Date;
  readonly end?: Date;
}

export interface TrustedLog extends ValidityWindow {
  readonly baseUrl: string;
  readonly key: KeyObject;
  readonly spki: Buffer;
  readonly keyId: Buffer;
}

export interface TrustedAuthority extends ValidityWindow {
  /** From the one that issues up to the root. */
  readonly chain: readonly Certificate[];
}

const limits = { size: 4 * 1024 * 1024, entries: 64, chain: 8 } as const;

/** Reads a `trusted_root.json`. Every entry must say since when it holds. */
export function parseTrustRoot(name: string, text: string | Uint8Array): TrustRoot {
  try {
    if (text.length > limits.size) throw new Error('it is larger than 4 MiB');
    const root = new Fields(parseStrictJson(text), '');
    if (!root.text('mediaType').startsWith('application/vnd.dev.sigstore.trustedroot')) {
      throw new Error('its media type is not that of a trusted root');
    }
    const parsed = {
      name,
      logs: root.objects('tlogs', limits.entries).map(parseLog),
      certificateLogs: root.objects('ctlogs', limits.entries).map(parseLog),
      authorities: root.objects('certificateAuthorities', limits.entries).map(parseAuthority),
      timestampAuthorities: root.objects('timestampAuthorities', limits.entries).map(parseAuthority),
    };
    refuseDisguise(parsed);
    return parsed;
  } catch (cause) {
    throw new Fault('TRUST_ROOT_INVALID', {
      what: `The trust root "${name}" cannot be read: ${cause instanceof Error ? cause.message : 'malformed'}.`,
      expected: 'a trusted_root.json in which every entry has validFor.start',
      cause,
    });
  }
}

/** A local authority that was merged into another root would lend its evidence that root's name. */
function refuseDisguise({ name, authorities, timestampAuthorities }: TrustRoot): void {
  const certificates = [...authorities, ...timestampAuthorities].flatMap(({ chain }) => chain);
  if (!isLocalTrust(name) && certificates.some(saysLocal)) {
    throw new Error('it contains a local Sigstore, whose evidence is not for production');
  }
}

export function isWithin(window: ValidityWindow, at: Date): boolean {
  return window.start <= at && (window.end === undefined || at <= window.end);
}

function parseLog(entry: Fields): TrustedLog {
  const publicKey = entry.object('publicKey');
  const spki = publicKey.bytes('rawBytes');
  const baseUrl = entry.text('baseUrl');
  const log = {
    baseUrl,
    spki,
    key: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    keyId: entry.object('logId').bytes('keyId'),
    ...parseWindow(publicKey),
  };
  const host = hostOf(baseUrl);
  const possible = [keyIdOf(spki), ...noteKeyIds(log.key, host, spki)];
  if (!possible.some(id => id.equals(log.keyId)))
    throw new Error(`the key id of ${baseUrl} is not that of its key`);
  return log;
}

function noteKeyIds(key: KeyObject, host: string, spki: Buffer): Buffer[] {
  if (key.asymmetricKeyType === 'ed25519') return [ed25519NoteKeyId(host, spki)];
  return key.asymmetricKeyType === 'rsa' ? [rsaNoteKeyId(host, spki)] : [];
}

function parseAuthority(entry: Fields): TrustedAuthority {
  const certificates = entry.object('certChain').objects('certificates', limits.chain);
  const chain = certificates.map(certificate => parseCertificate(certificate.bytes('rawBytes')));
  if (chain.length === 0) throw new Error('a certificate chain is empty');
  return { chain, ...parseWindow(entry) };
}

function parseWindow(entry: Fields): ValidityWindow {
  const window = entry.has('validFor') ? entry.object('validFor') : undefined;
  const start = window === undefined ? undefined : parseDate(window.text('start'));
  if (window === undefined || start === undefined) throw new Error('an entry has no validFor.start');
  const end = window.has('end') ? parseDate(window.text('end')) : undefined;
  if (window.has('end') && end === undefined) throw new Error('an entry has a malformed validFor.end');
  return { start, ...(end !== undefined && { end }) };
}

function parseDate(text: string): Date | undefined {
  const date = new Date(text);
  return /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(date.getTime()) ? date : undefined;
}

/** The name under which a log signs: the host name, which for Rekor 2 has no port. */
export function hostOf(baseUrl: string): string {
  return new URL(baseUrl).hostname;
}

import { createHash, type KeyObject } from 'node:crypto';
import type { EvidenceLog, EvidenceTime } from '../../../model/evidence.ts';
import type { Signer } from '../../../model/identity.ts';
import type { Statement } from '../../../model/statement.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { type Certificate, isValidAt } from '../certificates/certificate.ts';
import { verifyDigestSignature } from '../certificates/digest-signature.ts';
import { verifyContentSignature } from '../certificates/signature.ts';
import { encodePreAuthentication } from '../envelope.ts';
import { isWithin, type TrustedAuthority, type TrustRoot } from '../trust-root/trust-root.ts';
import { isChainValidAt } from './certificate/chain.ts';
import { openLeaf } from './certificate/trusted-leaf.ts';
import { bindEntry, type ShownSigner } from './log/log-binding.ts';
import { type VerifiedEntry, verifyEntry } from './log/log-entry.ts';
import { reject } from './rejection.ts';
import { readStatement } from './statement-content.ts';
import { verifyTimestamp } from './timestamp.ts';

/** What a bundle proves under one trust root. */
export interface Proof {
  readonly trust: string;
  readonly signer: Signer;
  readonly times: readonly EvidenceTime[];
  readonly log?: EvidenceLog;
  readonly statement?: Statement;
  /** SHA-256 of the payload or of the message. */
  readonly payloadDigest: Buffer;
}

export interface ProofDemands {
  /** Entries in distinct logs. Keyless needs one unless the root itself has no log. */
  readonly logEntries?: number;
  /** Verified times. */
  readonly times?: number;
}

/** Verifies a keyless bundle against one trust root; throws a Rejection, DerError or JsonError when it fails. */
export function proveKeyless(bundle: Bundle, root: TrustRoot, demands: ProofDemands = {}): Proof {
  if (bundle.material.kind !== 'certificate')
    return reject('signature', 'the bundle is signed by a key, not a certificate');
  const { certificate: leaf, authority, signer, key } = openLeaf(bundle.material.leaf, root);
  const shown: ShownSigner = { kind: 'x509Certificate', der: leaf.raw, key };
  checkSignature(bundle, shown.key);
  const entries = verifyEntries(bundle, root, shown, demands.logEntries ?? (root.logs.length > 0 ? 1 : 0));
  const times = timesOf(bundle, root, entries);
  if (times.length < Math.max(1, demands.times ?? 1)) {
    reject('no-trusted-time', 'no trusted time says when it was signed');
  }
  for (const { at } of times) checkValidity(leaf, authority, at);
  return { trust: root.name, signer, ...conclude(bundle, entries, times) };
}

/** Verifies a bundle that a key has signed; the log is optional but must be right when it is there. */
export function proveWithKey(
  bundle: Bundle,
  key: KeyObject,
  root: TrustRoot | undefined,
  demands: ProofDemands = {},
): Proof {
  if (bundle.material.kind !== 'key')
    return reject('signature', 'the bundle is signed by a certificate, not a key');
  const der = key.export({ format: 'der', type: 'spki' });
  const keyId = createHash('sha256').update(der).digest('hex');
  const shown: ShownSigner = { kind: 'publicKey', der, key };
  const none: TrustRoot = {
    name: '',
    logs: [],
    certificateLogs: [],
    authorities: [],
    timestampAuthorities: [],
  };
  checkSignature(bundle, key);
  const entries = verifyEntries(bundle, root ?? none, shown, demands.logEntries ?? 0);
  const times = timesOf(bundle, root ?? none, entries);
  if (times.length < (demands.times ?? 0))
    reject('no-trusted-time', 'no trusted time says when it was signed');
  return { trust: `key:${keyId}`, signer: { kind: 'key', keyId }, ...conclude(bundle, entries, times) };
}

interface TrustedTime {
  readonly source: 'log' | 'timestamp-authority';
  readonly at: Date;
}

function verifyEntries(
  bundle: Bundle,
  root: TrustRoot,
  signer: ShownSigner,
  wanted: number,
): VerifiedEntry[] {
  const seen = new Set<string>();
  const entries = bundle.entries.map(entry => {
    const place = `${entry.logId.toString('hex')} ${entry.logIndex}`;
    const body = entry.body.toString('base64');
    if (seen.has(place) || seen.has(body)) reject('log', 'the bundle has the same log entry twice');
    seen.add(place).add(body);
    const verified = verifyEntry(entry, bundle, root.logs);
    bindEntry(entry, bundle, signer);
    return verified;
  });
  const logs = new Set(entries.map(({ entry }) => entry.logId.toString('hex')));
  if (logs.size < wanted) {
    reject('log', 'too few transparency logs know the signature', {
      wanted: String(wanted),
      got: String(logs.size),
    });
  }
  return entries;
}

function timesOf(bundle: Bundle, root: TrustRoot, entries: readonly VerifiedEntry[]): TrustedTime[] {
  const { signature } = bundle.content;
  const seen = new Set(bundle.timestamps.map(token => token.toString('base64')));
  if (seen.size < bundle.timestamps.length) reject('timestamp', 'the bundle has the same timestamp twice');
  const promised = entries.flatMap(({ at }) => (at === undefined ? [] : [{ source: 'log' as const, at }]));
  const stamped = bundle.timestamps.map(token => ({
    source: 'timestamp-authority' as const,
    at: verifyTimestamp(token, signature, root.timestampAuthorities),
  }));
  const times = [...promised, ...stamped];
  const isLogValid = times.every(({ at }) => entries.every(({ log }) => isWithin(log, at)));
  if (!isLogValid) reject('log', 'the signature was made outside of the validity of the log key');
  return times;
}

function checkValidity(leaf: Certificate, authority: TrustedAuthority, at: Date): void {
  if (isValidAt(leaf, at) && isChainValidAt(authority, at) && isWithin(authority, at)) return;
  reject('expired-at-signing-time', 'the certificate was not valid when it was used', {
    wanted: `${leaf.notBefore.toISOString()} to ${leaf.notAfter.toISOString()}`,
    got: at.toISOString(),
  });
}

function checkSignature(bundle: Bundle, key: KeyObject): void {
  if (!isSigned(bundle, key)) reject('signature', 'the signature does not verify');
}

function conclude(
  bundle: Bundle,
  entries: readonly VerifiedEntry[],
  times: readonly TrustedTime[],
): Omit<Proof, 'trust' | 'signer'> {
  const { content } = bundle;
  const [first] = entries;
  return {
    payloadDigest: content.kind === 'message' ? content.digest : sha256(content.payload),
    times: times.map(({ source, at }) => ({ source, at: at.toISOString() })),
    ...(content.kind === 'envelope' && { statement: readStatement(content) }),
    ...(first !== undefined && {
      log: {
        kind: `${first.entry.kind} ${first.entry.version}`,
        index: first.entry.logIndex,
        logId: first.entry.logId.toString('hex'),
      },
    }),
  };
}

function isSigned({ content }: Bundle, key: KeyObject): boolean {
  if (content.kind === 'envelope') {
    const signed = encodePreAuthentication(content.payloadType, content.payload);
    return verifyContentSignature(signed, key, content.signature);
  }
  if (content.message === undefined) return verifyDigestSignature(content.digest, key, content.signature);
  const isSame = sha256(content.message).equals(content.digest);
  return isSame && verifyContentSignature(content.message, key, content.signature);
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

import { createHash } from 'node:crypto';
import { Fault } from '../../ground/fault/fault.ts';
import type {
  Bundle,
  BundleContent,
  EnvelopeContent,
  KeyMaterial,
  LogEntry,
  MessageContent,
} from './bundle/bundle.ts';
import { formatEnvelope } from './bundle/format-bundle.ts';
import { encodePem } from './certificates/pem.ts';
import { publicKeyHash } from './certificates/public-key-hash.ts';
import { encodePreAuthentication, statementPayloadType } from './envelope.ts';
import { encodeBase64 } from './json/base64.ts';
import { keyDetailsOf } from './log/hashed-rekord.ts';
import type { Http, ServiceCall } from './services/http.ts';
import { addToFirstRekor, addToSecondRekor } from './services/rekor.ts';
import type { SigningServices } from './services/signing-services.ts';
import { requestTimestamp } from './services/timestamp.ts';
import type { SigningIdentity, SigningRun } from './signing-run.ts';
import type { TrustRoot } from './trust-root/trust-root.ts';
import { proveKeyless, proveWithKey } from './verify/prove.ts';
import { reasonOf } from './verify/rejection.ts';

export interface SignedBundle {
  readonly bundle: Bundle;
  /** From the issuing authority up to the root; the legacy form stores them. */
  readonly issuers: readonly Buffer[];
}

/** Where signatures are witnessed, and against which root they are checked before anybody stores them. */
export interface SigningPlace {
  readonly services: SigningServices;
  readonly http: Http;
  /** The root that belongs to the services. Nothing leaves that it would not accept. */
  readonly root?: TrustRoot;
  /** Rekor 1 is needed for the legacy form; otherwise Rekor 2 with a timestamp is preferred. */
  readonly log?: 'newest' | 'v1' | 'none';
}

/** Signs a statement (its bytes as they are) in an envelope. */
export async function signStatement(
  run: SigningRun,
  payload: Buffer,
  place: SigningPlace,
  o: ServiceCall = {},
): Promise<SignedBundle> {
  const identity = await run.current(o);
  const signature = await identity.key.sign(encodePreAuthentication(statementPayloadType, payload), o);
  const content: EnvelopeContent = {
    kind: 'envelope',
    payloadType: statementPayloadType,
    payload,
    signature,
    keyId: '',
  };
  // The log remembers the very bytes of the envelope, so that they are fixed here.
  return await witness(identity, { ...content, raw: Buffer.from(formatEnvelope(content)) }, place, o);
}

/** Signs bytes as they are; simple signing payloads of `.sig` layers are signed this way. */
export async function signMessage(
  run: SigningRun,
  message: Buffer,
  place: SigningPlace,
  o: ServiceCall = {},
): Promise<SignedBundle> {
  const identity = await run.current(o);
  const signature = await identity.key.sign(message, o);
  const digest = createHash('sha256').update(message).digest();
  return await witness(identity, { kind: 'message', digest, signature, message }, place, o);
}

async function witness(
  identity: SigningIdentity,
  content: BundleContent,
  place: SigningPlace,
  o: ServiceCall,
): Promise<SignedBundle> {
  const { timestamp } = place.services;
  const [entries, timestamps] = await Promise.all([
    logEntries(identity, content, place, o),
    timestamp === undefined
      ? []
      : requestTimestamp({ http: place.http, url: timestamp }, content.signature, o).then(token => [token]),
  ]);
  const bundle: Bundle = { version: '0.3', material: materialOf(identity), entries, timestamps, content };
  if (place.root !== undefined) checkOwnBundle(bundle, identity, place.root);
  return { bundle, issuers: identity.certificate?.issuers ?? [] };
}

async function logEntries(
  identity: SigningIdentity,
  content: BundleContent,
  { services, http, log = 'newest' }: SigningPlace,
  o: ServiceCall,
): Promise<LogEntry[]> {
  const { rekorV1, rekorV2, timestamp } = services;
  if (log === 'none') return [];
  // Rekor 2 tells no time, so that it is of use only beside a timestamp authority.
  if (log === 'newest' && rekorV2 !== undefined && timestamp !== undefined) {
    return [await addToSecondRekor({ http, url: rekorV2 }, secondRequest(identity, content), o)];
  }
  if (rekorV1 !== undefined) {
    const request =
      content.kind === 'envelope' ? envelopeRequest(identity, content) : messageRequest(identity, content);
    return [await addToFirstRekor({ http, url: rekorV1 }, request, o)];
  }
  if (identity.certificate === undefined && log === 'newest') return [];
  throw new Fault('USAGE', {
    what:
      log === 'v1'
        ? 'The legacy form needs a Rekor 1 log, and none is configured.'
        : 'No usable transparency log is configured.',
    expected: 'a Rekor 1 log, or a Rekor 2 log with a timestamp authority',
    next: 'use --shape bundle, or name a log with --rekor-url',
  });
}

function secondRequest({ key, certificate }: SigningIdentity, content: BundleContent) {
  const digest =
    content.kind === 'message'
      ? content.digest
      : sha256(encodePreAuthentication(content.payloadType, content.payload));
  const verifier =
    certificate === undefined
      ? { publicKey: { rawBytes: encodeBase64(key.publicKey.export({ format: 'der', type: 'spki' })) } }
      : { x509Certificate: { rawBytes: encodeBase64(certificate.leaf.raw) } };
  return {
    hashedRekordRequestV002: {
      digest: encodeBase64(digest),
      signature: {
        content: encodeBase64(content.signature),
        verifier: { keyDetails: keyDetailsOf(key.publicKey), ...verifier },
      },
    },
  };
}

function envelopeRequest(identity: SigningIdentity, content: EnvelopeContent) {
  const envelope = (content.raw ?? Buffer.from(formatEnvelope(content))).toString('utf8');
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: { proposedContent: { envelope, verifiers: [verifierOf(identity)] } },
  };
}

function messageRequest(identity: SigningIdentity, content: MessageContent) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: content.digest.toString('hex') } },
      signature: { content: encodeBase64(content.signature), publicKey: { content: verifierOf(identity) } },
    },
  };
}

function verifierOf({ key, certificate }: SigningIdentity): string {
  const pem =
    certificate === undefined
      ? encodePem('PUBLIC KEY', key.publicKey.export({ format: 'der', type: 'spki' }))
      : encodePem('CERTIFICATE', certificate.leaf.raw);
  return encodeBase64(Buffer.from(pem));
}

function materialOf({ key, certificate }: SigningIdentity): KeyMaterial {
  return certificate === undefined
    ? { kind: 'key', hint: encodeBase64(publicKeyHash(key.publicKey)) }
    : { kind: 'certificate', leaf: certificate.leaf.raw };
}

/** Nobody shall ever store evidence of ours that would be rejected. */
function checkOwnBundle(bundle: Bundle, { key, certificate }: SigningIdentity, root: TrustRoot): void {
  try {
    if (certificate === undefined) proveWithKey(bundle, key.publicKey, root);
    else proveKeyless(bundle, root);
  } catch (cause) {
    const { message, wanted, got } = reasonOf(cause);
    throw new Fault('EVIDENCE_INVALID', {
      what: `What was just signed does not verify: ${message}.`,
      where: `trust root ${root.name}`,
      ...(wanted !== undefined && { expected: wanted }),
      ...(got !== undefined && { actual: got }),
      cause,
    });
  }
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

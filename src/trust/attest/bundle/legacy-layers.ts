import { createHash } from 'node:crypto';
import { decodeOnePem, encodePem } from '../certificates/pem.ts';
import { decodeBase64, encodeBase64 } from '../json/base64.ts';
import { Fields } from '../json/fields.ts';
import { JsonError, parseStrictJson } from '../json/strict-json.ts';
import { type Bundle, type BundleContent, bundleLimits, type KeyMaterial, type LogEntry } from './bundle.ts';
import { formatEnvelope } from './format-bundle.ts';
import { parseEnvelope } from './parse-bundle.ts';

/** A layer of a `.sig` or `.att` manifest: its blob and its annotations. */
export interface LegacyLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

export const legacyTypes = {
  signature: 'application/vnd.dev.cosign.simplesigning.v1+json',
  envelope: 'application/vnd.dsse.envelope.v1+json',
} as const;

export const legacyAnnotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
  predicateType: 'predicateType',
} as const;

/** Reads a layer as the bundle of version 0.1 that it amounts to, so that one verifier judges both. */
export function bundleFromLegacy(layer: LegacyLayer): Bundle {
  const { annotations, bytes } = layer;
  if (bytes.length > bundleLimits.size) throw new JsonError('a layer is too large');
  const logged = annotations[legacyAnnotations.bundle];
  const stamped = annotations[legacyAnnotations.timestamp];
  return {
    version: '0.1',
    material: materialOf(annotations[legacyAnnotations.certificate]),
    entries: logged === undefined || logged === '' ? [] : [parseLoggedEntry(logged)],
    timestamps: stamped === undefined || stamped === '' ? [] : parseStamp(stamped),
    content: contentOf(layer),
  };
}

/** Writes a signed bundle as the layer that cosign 2 reads; `entry` must come from Rekor 1. */
export function legacyFromBundle(
  bundle: Bundle,
  issuers: readonly Buffer[],
  predicateType: string | undefined,
): LegacyLayer {
  const { content, material, entries, timestamps } = bundle;
  const [entry] = entries;
  const [timestamp] = timestamps;
  const signature = content.kind === 'message' ? encodeBase64(content.signature) : '';
  const annotations = {
    // Readers want this one even where it says nothing.
    [legacyAnnotations.signature]: signature,
    ...(entry?.promise !== undefined && {
      [legacyAnnotations.bundle]: formatLoggedEntry(entry, entry.promise),
    }),
    ...(material.kind === 'certificate' && {
      [legacyAnnotations.certificate]: encodePem('CERTIFICATE', material.leaf),
      [legacyAnnotations.chain]: issuers.map(der => encodePem('CERTIFICATE', der)).join(''),
    }),
    ...(timestamp !== undefined && {
      [legacyAnnotations.timestamp]: JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(timestamp) }),
    }),
    ...(content.kind === 'envelope' && predicateType !== undefined && { predicateType }),
  };
  return content.kind === 'message'
    ? { mediaType: legacyTypes.signature, bytes: content.message ?? Buffer.alloc(0), annotations }
    : {
        mediaType: legacyTypes.envelope,
        bytes: content.raw ?? Buffer.from(formatEnvelope(content)),
        annotations,
      };
}

function materialOf(pem: string | undefined): KeyMaterial {
  return pem === undefined || pem === ''
    ? { kind: 'key', hint: '' }
    : { kind: 'certificate', leaf: decodeOnePem(pem, 'CERTIFICATE') };
}

function contentOf({ mediaType, bytes, annotations }: LegacyLayer): BundleContent {
  if (mediaType === legacyTypes.envelope) {
    return { ...parseEnvelope(new Fields(parseStrictJson(bytes), '')), raw: bytes };
  }
  if (mediaType !== legacyTypes.signature) throw new JsonError('the layer is of an unknown type');
  const signature = decodeBase64(annotations[legacyAnnotations.signature] ?? '');
  const digest = createHash('sha256').update(bytes).digest();
  return { kind: 'message', digest, signature, message: bytes };
}

function parseLoggedEntry(text: string): LogEntry {
  const bundle = new Fields(parseStrictJson(text), '').only('SignedEntryTimestamp', 'Payload');
  const payload = bundle.object('Payload').only('body', 'integratedTime', 'logIndex', 'logID');
  const body = payload.bytes('body');
  const described = new Fields(parseStrictJson(body), 'log entry');
  return {
    logIndex: payload.count('logIndex'),
    logId: payload.hex('logID'),
    integratedTime: payload.count('integratedTime'),
    kind: described.text('kind'),
    version: described.text('apiVersion'),
    promise: bundle.bytes('SignedEntryTimestamp'),
    body,
  };
}

function formatLoggedEntry(entry: LogEntry, promise: Buffer): string {
  return JSON.stringify({
    SignedEntryTimestamp: encodeBase64(promise),
    Payload: {
      body: encodeBase64(entry.body),
      integratedTime: entry.integratedTime,
      logIndex: entry.logIndex,
      logID: entry.logId.toString('hex'),
    },
  });
}

function parseStamp(text: string): Buffer[] {
  return [
    new Fields(parseStrictJson(text), '').only('SignedRFC3161Timestamp').bytes('SignedRFC3161Timestamp'),
  ];
}

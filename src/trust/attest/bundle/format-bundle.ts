import { encodeBase64 } from '../json/base64.ts';
import type { JsonObject } from '../json/strict-json.ts';
import { type Bundle, type BundleContent, bundleMediaType, type LogEntry } from './bundle.ts';

/** The bundle as protobuf JSON: 64-bit numbers are texts and zero values are left out. */
export function formatBundle(bundle: Bundle): string {
  const { material, timestamps } = bundle;
  const json = {
    mediaType: bundleMediaType,
    verificationMaterial: {
      ...(material.kind === 'certificate'
        ? { certificate: { rawBytes: encodeBase64(material.leaf) } }
        : { publicKey: { hint: material.hint } }),
      ...(bundle.entries.length > 0 && { tlogEntries: bundle.entries.map(formatEntry) }),
      ...(timestamps.length > 0 && {
        timestampVerificationData: {
          rfc3161Timestamps: timestamps.map(token => ({ signedTimestamp: encodeBase64(token) })),
        },
      }),
    },
    ...formatContent(bundle.content),
  };
  return JSON.stringify(json);
}

export function formatEnvelope(content: BundleContent & { readonly kind: 'envelope' }): string {
  const { payloadType, payload, signature, keyId } = content;
  return JSON.stringify({
    payloadType,
    payload: encodeBase64(payload),
    signatures: [{ keyid: keyId, sig: encodeBase64(signature) }],
  });
}

function formatEntry(entry: LogEntry): JsonObject {
  const { promise, proof } = entry;
  return {
    ...count('logIndex', entry.logIndex),
    logId: { keyId: encodeBase64(entry.logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    ...count('integratedTime', entry.integratedTime),
    ...(promise !== undefined && { inclusionPromise: { signedEntryTimestamp: encodeBase64(promise) } }),
    ...(proof !== undefined && {
      inclusionProof: {
        ...count('logIndex', proof.logIndex),
        rootHash: encodeBase64(proof.rootHash),
        ...count('treeSize', proof.treeSize),
        hashes: proof.hashes.map(encodeBase64),
        checkpoint: { envelope: proof.checkpoint },
      },
    }),
    canonicalizedBody: encodeBase64(entry.body),
  };
}

function formatContent(content: BundleContent): JsonObject {
  if (content.kind === 'message') {
    return {
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: encodeBase64(content.digest) },
        signature: encodeBase64(content.signature),
      },
    };
  }
  const signature: JsonObject = {
    sig: encodeBase64(content.signature),
    ...(content.keyId !== '' && { keyid: content.keyId }),
  };
  return {
    dsseEnvelope: {
      payload: encodeBase64(content.payload),
      payloadType: content.payloadType,
      signatures: [signature],
    },
  };
}

function count(name: string, value: number): JsonObject {
  return value === 0 ? {} : { [name]: String(value) };
}

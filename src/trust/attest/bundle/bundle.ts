/** One signature with everything that proves it: who signed, when, and that a log saw it. */
export interface Bundle {
  readonly version: BundleVersion;
  readonly material: KeyMaterial;
  readonly entries: readonly LogEntry[];
  /** TimeStampResp, DER. */
  readonly timestamps: readonly Buffer[];
  readonly content: BundleContent;
}

export type BundleVersion = '0.1' | '0.2' | '0.3';

export type KeyMaterial =
  | { readonly kind: 'certificate'; readonly leaf: Buffer }
  | { readonly kind: 'key'; readonly hint: string };

export type BundleContent = EnvelopeContent | MessageContent;

export interface EnvelopeContent {
  readonly kind: 'envelope';
  readonly payloadType: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
  readonly keyId: string;
  /** The envelope as it was stored, when its very bytes were logged (`.att` layers). */
  readonly raw?: Buffer;
}

export interface MessageContent {
  readonly kind: 'message';
  /** SHA-256 of the message. */
  readonly digest: Buffer;
  readonly signature: Buffer;
  /** The message, when it travels with its signature (`.sig` layers). */
  readonly message?: Buffer;
}

export interface LogEntry {
  readonly logIndex: number;
  readonly logId: Buffer;
  readonly kind: string;
  readonly version: string;
  readonly integratedTime: number;
  /** The signed entry timestamp of Rekor 1. */
  readonly promise?: Buffer;
  readonly proof?: LogEntryProof;
  readonly body: Buffer;
}

export interface LogEntryProof {
  readonly logIndex: number;
  readonly rootHash: Buffer;
  readonly treeSize: number;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
}

export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** What a reader accepts; a bundle that has more is not judged at all. */
export const bundleLimits = {
  size: 64 * 1024 * 1024,
  entries: 32,
  timestamps: 32,
  certificates: 8,
  proofHashes: 64,
} as const;

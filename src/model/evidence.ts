import type { Signer } from './identity.ts';
import type { Statement } from './statement.ts';

/** Where a piece of evidence was found. */
export type EvidenceStore = 'referrer' | 'sig' | 'att' | 'sbom' | 'buildkit' | 'file';

export type EvidenceKind = 'signature' | 'attestation' | 'sbom' | 'other';

/** Why evidence was rejected; the codes are stable. */
export type EvidenceReasonCode =
  | 'malformed'
  | 'unsigned'
  | 'unsupported-log-entry'
  | 'untrusted-issuer'
  | 'untrusted-log'
  | 'certificate'
  | 'certificate-log'
  | 'expired-at-signing-time'
  | 'no-trusted-time'
  | 'timestamp'
  | 'log'
  | 'log-certificate-differs'
  | 'log-content-differs'
  | 'signature'
  | 'payload-type'
  | 'subject'
  | 'predicate-type'
  | 'identity'
  | 'issuer'
  | 'claim'
  | 'local-trust'
  | 'stale-trust-root';

export interface EvidenceReason {
  readonly code: EvidenceReasonCode;
  readonly message: string;
  readonly wanted?: string;
  readonly got?: string;
}

export interface EvidenceTime {
  readonly source: 'log' | 'timestamp-authority';
  /** RFC 3339, UTC. */
  readonly at: string;
}

export interface EvidenceLog {
  readonly kind: string;
  readonly index: number;
  /** Hexadecimal. */
  readonly logId: string;
}

/** The judgement of one item. Only when `verified` is true may anything in it be believed. */
export interface EvidenceItem {
  /** `<store>:<manifest digest>#<layer>` */
  readonly id: string;
  readonly store: EvidenceStore;
  readonly kind: EvidenceKind;
  readonly predicateType?: string;
  readonly verified: boolean;
  /** The name of the trust root whose keys verified it: `public-good`, `private:…`, `local:…`, `key:…`. */
  readonly trust?: string;
  readonly signer?: Signer;
  readonly times: readonly EvidenceTime[];
  readonly log?: EvidenceLog;
  readonly statement?: Statement;
  /** SHA-256 of what was signed; with the signer it tells whether two stores hold the same statement. */
  readonly payloadDigest?: string;
  readonly reasons: readonly EvidenceReason[];
}

/** The name of a local trust root says so, and no production policy accepts it. */
export function isLocalTrust(trust: string | undefined): boolean {
  return trust?.startsWith('local:') ?? false;
}

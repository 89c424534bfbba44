import type { OriginRules } from '../../../ground/http/visit.ts';
import type { Clock } from '../../../model/clock.ts';
import type { Credentials } from './access/credentials.ts';
import type { AnswerBudget } from './http/answer-budget.ts';
import type { RegistryStore } from './storage/registry-store.ts';

/** What is too much; see `defaultLimits`. */
export interface RegistryLimits {
  readonly manifestBytes: number;
  readonly blobBytes: number;
  /** Bytes of blobs, manifests and open uploads in the data folder; none when it is not given. */
  readonly quotaBytes?: number;
  readonly openUploads: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly uploadAge: number;
  readonly connections: number;
  /** Milliseconds a client may take for the head of a request. */
  readonly headerTimeout: number;
  /** Milliseconds without a byte in either direction. */
  readonly idleTimeout: number;
  /** Bytes of manifests that are being received at once: they are in memory until they are judged. */
  readonly manifestBytesAtOnce: number;
  /** Milliseconds a client may take for the body of a manifest. */
  readonly manifestTime: number;
  /** Bytes of large lists and manifests that wait in memory for their readers, over all connections. */
  readonly answerBytesAtOnce: number;
  /** Bytes of manifests, tags and blob sizes kept in memory. */
  readonly cacheBytes: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: RegistryLimits = {
  manifestBytes: 8 * mebibyte,
  blobBytes: 64 * 1024 * mebibyte,
  manifestBytesAtOnce: 128 * mebibyte,
  manifestTime: 120_000,
  answerBytesAtOnce: 128 * mebibyte,
  openUploads: 1_000,
  uploadAge: 24 * 3_600_000,
  connections: 512,
  headerTimeout: 15_000,
  idleTimeout: 60_000,
  cacheBytes: 64 * mebibyte,
};

/** What the endpoints work with. */
export interface Service {
  readonly store: RegistryStore;
  readonly clock: Clock;
  readonly limits: RegistryLimits;
  readonly readOnly: boolean;
  readonly version: string;
  readonly startedAt: number;
  /** Undefined when anyone may do anything. */
  readonly credentials: Credentials | undefined;
  readonly origins: OriginRules;
  readonly answers: AnswerBudget;
  readonly counts: { requests: number; running: number; manifestBytes: number; reportedFullAt: number };
}

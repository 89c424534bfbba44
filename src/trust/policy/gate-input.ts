import type { Digest } from '../../model/digest.ts';
import type { EvidenceItem } from '../../model/evidence.ts';
import type { GitSource } from '../../model/verdict.ts';
import type { Policy } from './policy.ts';

/** All that a verdict depends on. The same input gives the same verdict, byte by byte. */
export interface GateInput {
  readonly version: 1;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly policy: Policy;
  readonly components: readonly ComponentEvidence[];
}

/** What is known of one image, before any policy is asked. */
export interface ComponentEvidence {
  readonly name: string;
  /** As it was written. */
  readonly reference: string;
  /** Registry and repository. */
  readonly repository: string;
  readonly digest?: Digest;
  /** Why the image could not be read. */
  readonly problem?: ComponentProblem;
  readonly source?: GitSource;
  /** Its place in the components file, when it stands in one. */
  readonly position?: number;
  readonly base?: BaseImage;
  /** RFC 3339: the time that counts for this image alone, when it is that of its own provenance. */
  readonly time?: string;
  /** Tags of the repository that are nearest to one that does not exist. */
  readonly nearTags?: readonly string[];
  /** Judged by the verifier. Whether a signer is the right one is the policy's business, and decided here anew. */
  readonly items: readonly RecordedItem[];
}

export type RecordedItem = EvidenceItem & { readonly simulated?: true };

export interface ComponentProblem {
  /** `absent`: the registry answered that there is no such image. */
  readonly kind: 'absent' | 'unreachable' | 'untrusted';
  readonly message: string;
}

/** The image that this one stands on, as its annotations and the registry say. */
export interface BaseImage {
  readonly name?: string;
  readonly digest?: string;
  /** The layers that come from it; absent when it could not be read. */
  readonly diffIds?: readonly string[];
}

import type { QuarantineOutcome } from '../../fleet/quarantine.ts';

/** One line of the result; the words in `status` are what scripts match on. */
export type CheckEntry =
  | { readonly image: string; readonly status: 'new'; readonly live: string }
  | { readonly image: string; readonly status: 'ok'; readonly digest: string }
  | { readonly image: string; readonly status: 'drift'; readonly recorded: string; readonly live: string }
  | { readonly image: string; readonly status: 'error'; readonly reason: string; readonly code: string }
  | { readonly image: string; readonly status: 'skipped'; readonly reason: string }
  | { readonly image: string; readonly status: 'new-tags'; readonly new_tags: readonly string[] }
  | {
      readonly image: string;
      readonly status: 'quarantined';
      readonly base: string;
      readonly digest: string;
      readonly eligibleAt: string;
    }
  | {
      readonly image: string;
      /** `eligible` may be pinned and was not; `promoted` was pinned in this run. */
      readonly status: 'eligible' | 'promoted';
      readonly base: string;
      readonly digest: string;
    };

/** What quarantine says about one consumer of one base. */
export type BaseDecision = QuarantineOutcome & {
  readonly image: string;
  readonly base: string;
  readonly identity: string;
  /** Milliseconds. */
  readonly window: number;
  readonly pinned?: string;
};

export interface PinnedFile {
  /** Relative to the folder of `images.yaml`. */
  readonly path: string;
  readonly image: string;
  readonly base: string;
  readonly digest: string;
  readonly lines: readonly number[];
}

export interface CheckedImages {
  readonly entries: readonly CheckEntry[];
  readonly decisions: readonly BaseDecision[];
  readonly pins: readonly PinnedFile[];
  /** State files that were written, or would be. */
  readonly written: readonly string[];
  readonly imagesChecked: number;
  readonly newTags: number;
  readonly exit: 0 | 1 | 2 | 3;
  /** The project asks for the exit codes of the older tool. */
  readonly usesLegacyExitCodes: boolean;
}

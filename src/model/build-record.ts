import type { Digest } from './digest.ts';

/** What a build leaves behind for its provenance: what went in, what came out, when and with what. */
export interface BuildRecord {
  readonly image: string;
  readonly digest: Digest;
  readonly dockerfile: string;
  readonly context?: string;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** Values only of arguments that are not secret; a secret one has its name and null. */
  readonly buildArgs?: Readonly<Record<string, string | null>>;
  readonly bases: readonly BuildBase[];
  readonly materials?: readonly BuildMaterial[];
  readonly builder: { readonly driver: string; readonly version: string };
  readonly startedOn: string;
  readonly finishedOn: string;
}

/** A base image, as it was resolved once at the start. */
export interface BuildBase {
  /** As the Dockerfile names it. */
  readonly reference: string;
  readonly digest: Digest;
  readonly platform?: string;
}

/** Something else that was fetched: the source of an ADD, a builder image. */
export interface BuildMaterial {
  readonly uri: string;
  readonly digest: Digest;
}

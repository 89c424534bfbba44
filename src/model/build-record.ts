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
  /** What decided what was built, as digests: equal inputs need no other build. */
  readonly inputs?: BuildInputs;
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

/** Each part by itself, so that a difference has a name. */
export interface BuildInputs {
  /** Of all parts together. */
  readonly digest: Digest;
  readonly dockerfile: Digest;
  /** Every file that the build could read. */
  readonly context: Digest;
  readonly bases: Digest;
  /** Build arguments, platforms and target. */
  readonly settings: Digest;
  /** Files beside the context that the project maps to the image. */
  readonly shared: Digest;
}

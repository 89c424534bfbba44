import type { Descriptor } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';

export interface Call {
  readonly signal?: AbortSignal;
}

/** A manifest or an index, as the bytes that were digested; they are never serialised again. */
export interface Manifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A manifest to store, at its digest and, when given, under tags as well. */
export interface ManifestPush extends Manifest {
  readonly kind: 'manifest';
  readonly tags?: readonly string[];
}

/** A blob to store. It is opened only when the target does not have it and cannot mount it. */
export interface BlobPush {
  readonly kind: 'blob';
  readonly descriptor: Descriptor;
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
  /** Another repository of the same registry that holds the blob. */
  readonly mountFrom?: string;
  /** Nobody can have it, or asking would cost as much as sending: the target is not asked first. */
  readonly isNew?: boolean;
}

export interface Pushed {
  readonly outcome: 'uploaded' | 'mounted' | 'present';
}

/** What shall become of a tag that others may change at the same time. */
export interface TagChange {
  /** From what is there now to what shall be there; it may be asked several times. */
  readonly apply: (current: Manifest | undefined) => Manifest | Promise<Manifest>;
  /** True when what is there needs no change (any more). */
  readonly isDone: (current: Manifest | undefined) => boolean;
}

/** A tag or a digest; a digest decides which bytes may come. */
export type TagOrDigest = string;

/**
 * One repository of images, wherever its bytes are: a registry, an OCI layout folder, an archive.
 * Every implementation checks digest and size of all bytes that pass, in both directions.
 */
export interface Registry {
  /** Where this is, for people: "127.0.0.1:5000/shop/web", "oci:./out". */
  readonly place: string;
  /** Undefined when there is no such manifest; every other failure throws. */
  head(reference: TagOrDigest, o?: Call): Promise<Descriptor | undefined>;
  manifest(reference: TagOrDigest, o?: Call): Promise<Manifest>;
  blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array>;
  push(content: ManifestPush | BlobPush, o?: Call): Promise<Pushed>;
  /** Changes a tag so that concurrent writers lose nothing; gives what is there in the end. */
  change(tag: string, change: TagChange, o?: Call): Promise<Manifest | undefined>;
  tags(o?: Call): AsyncIterable<string>;
  /** Everything that names the subject, from the API and from the fallback tag, each once, never filtered. */
  referrers(subject: Digest, o?: Call): Promise<readonly Descriptor[]>;
}

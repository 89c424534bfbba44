import { Fault } from '../../../ground/fault/fault.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import { type Digest, isDigest } from '../../../model/digest.ts';
import { isTag } from '../../../model/image-reference.ts';
import { largestManifestRead, parseContent } from '../content.ts';
import type {
  BlobPush,
  Call,
  Manifest,
  ManifestPush,
  Pushed,
  Registry,
  TagChange,
  TagOrDigest,
} from '../registry.ts';
import { verifyBytes } from '../verified.ts';
import { changeTag } from './change-tag.ts';
import { deleteManifest, getManifest, headManifest, type ManifestPlace, putManifest } from './manifests.ts';
import { notFound } from './not-found.ts';
import { readPages } from './paging.ts';
import { listReferrers, registerReferrer, unregisterReferrer } from './referrers.ts';
import type { RegistrySession } from './session.ts';
import { pullBlob } from './transfer/download.ts';
import { pushBlob } from './transfer/upload.ts';
import type { UploadPlace } from './transfer/upload-call.ts';

export interface RemoteOptions {
  /** Blobs of at least this size are sent in chunks. */
  readonly chunkedFrom?: number;
  readonly chunkSize?: number;
}

/** One repository of a registry that speaks the OCI distribution protocol. */
export class RemoteRegistry implements Registry {
  readonly place: string;
  readonly session: RegistrySession;
  readonly repository: string;
  readonly #options: RemoteOptions;

  constructor(session: RegistrySession, repository: string, options: RemoteOptions = {}) {
    this.session = session;
    this.repository = repository;
    this.place = `${session.name}/${repository}`;
    this.#options = options;
  }

  async head(reference: TagOrDigest, o?: Call): Promise<Descriptor | undefined> {
    return await headManifest(this.#at(o), checked(reference));
  }

  async manifest(reference: TagOrDigest, o?: Call): Promise<Manifest> {
    const place = this.#at(o);
    const found = await getManifest(place, checked(reference));
    if (found !== undefined) return found.manifest;
    throw await notFound(place, reference);
  }

  blob(descriptor: Descriptor, o?: Call & { readonly offset?: number }): AsyncIterable<Uint8Array> {
    return pullBlob(this.#at(o), descriptor, o?.offset ?? 0);
  }

  async push(content: ManifestPush | BlobPush, o?: Call): Promise<Pushed> {
    if (content.kind === 'blob') return await pushBlob({ ...this.#at(o), ...this.#options }, content);
    return await this.#pushManifest(content, this.#at(o));
  }

  async change(tag: string, change: TagChange, o?: Call): Promise<Manifest | undefined> {
    return await changeTag(this.#at(o), checked(tag), change);
  }

  async *tags(o?: Call): AsyncIterable<string> {
    const { session, repository } = this;
    const call = {
      path: `${repository}/tags/list?n=1000`,
      repository,
      what: `the tags of ${repository}`,
      accept: [200, 404],
      whole: largestManifestRead,
      ...(o?.signal !== undefined && { signal: o.signal }),
    };
    const first = await session.call(call);
    if (first.status === 404) {
      first.discard();
      return;
    }
    for await (const page of readPages(session, first, call)) {
      const { tags } = (page ?? {}) as { tags?: unknown };
      // A name that is no tag could not be asked for; some registries list such.
      if (Array.isArray(tags)) yield* tags.filter(tag => typeof tag === 'string').filter(isTag);
    }
  }

  async referrers(subject: Digest, o?: Call): Promise<readonly Descriptor[]> {
    return await listReferrers(this.#at(o), subject);
  }

  /** Deletes a tag or a manifest; a manifest that refers to another is taken out of the other's list. */
  async remove(reference: TagOrDigest, o?: Call): Promise<void> {
    const place = this.#at(o);
    const found = isDigest(reference) ? await getManifest(place, reference) : undefined;
    await deleteManifest(place, checked(reference));
    const subject = found === undefined ? undefined : parseContent(found.manifest).subject;
    if (subject !== undefined && isDigest(reference))
      await unregisterReferrer(place, subject.digest, reference);
  }

  async #pushManifest(push: ManifestPush, place: ManifestPlace): Promise<Pushed> {
    verifyBytes(push.bytes, push.descriptor, 'the manifest to push');
    const { subject } = parseContent(push);
    const [first = push.descriptor.digest, ...others] = push.tags ?? [];
    for (const reference of others) await putManifest(place, checked(reference), push);
    const answer = await putManifest(place, checked(first), push);
    if (subject !== undefined && answer !== false)
      await registerReferrer(place, subject.digest, push, answer);
    return { outcome: 'uploaded' };
  }

  #at(o: Call | undefined): ManifestPlace & UploadPlace {
    const { session, repository } = this;
    return { session, repository, ...(o?.signal !== undefined && { signal: o.signal }) };
  }
}

/** What becomes a part of a URL is a tag or a digest and nothing else. */
function checked(reference: TagOrDigest): TagOrDigest {
  if (isDigest(reference) || isTag(reference)) return reference;
  throw new Fault('REFERENCE_INVALID', {
    what: `"${reference.slice(0, 200)}" is neither a tag nor a digest`,
  });
}

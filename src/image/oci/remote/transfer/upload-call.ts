import type { HttpResponse } from '../../../../ground/http/send.ts';
import type { BlobPush } from '../../registry.ts';
import { digestFault } from '../../verified.ts';
import type { RegistryCall, RegistrySession } from '../session.ts';

export interface UploadPlace {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly chunkedFrom?: number;
  readonly chunkSize?: number;
  readonly signal?: AbortSignal;
}

export interface OpenUpload {
  readonly location: URL;
  /** Some registries refuse chunks that are smaller. */
  readonly leastChunk?: number;
}

/** The location may carry a query of its own, so the digest is added and never pasted. */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
}

export function checkStored(response: HttpResponse, { descriptor }: BlobPush): void {
  response.discard();
  const stored = response.headers['docker-content-digest'];
  const isSameKind = typeof stored === 'string' && stored.slice(0, 6) === descriptor.digest.slice(0, 6);
  if (isSameKind && stored !== descriptor.digest)
    throw digestFault(descriptor.digest, stored, response.url.host);
}

export function callOf(
  { repository, signal }: UploadPlace,
  path: string,
  what: string,
): Omit<RegistryCall, 'accept'> {
  return {
    path: `${repository}/${path}`,
    repository,
    actions: 'pull,push',
    what: `${what} in ${repository}`,
    ...(signal !== undefined && { signal }),
  };
}

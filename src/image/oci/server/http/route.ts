import { type Digest, isDigest } from '../../../../model/digest.ts';
import { isRepositoryName, isTag } from '../../../../model/image-reference.ts';
import { Refusal } from './refusal.ts';

/** What a path asks for. Every name in it has passed its grammar, so it can never leave the data folder. */
export type Route =
  | { readonly kind: 'base' | 'catalog' | 'health' }
  | { readonly kind: 'tags' | 'uploads'; readonly repository: string }
  | { readonly kind: 'blob' | 'referrers'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'upload'; readonly repository: string; readonly upload: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: Reference };

export type Reference = { readonly digest: Digest } | { readonly tag: string };

const longestPath = 1_024;
const uploadId = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Reads the path of a request; throws a Refusal for anything that is not exactly one of the endpoints. */
export function parseRoute(method: string, rawPath: string): Route {
  const path = decodePath(rawPath);
  if (path === '/healthz') return { kind: 'health' };
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  const { repository, noun, last } = splitPath(path);
  if (!isRepositoryName(repository)) {
    throw new Refusal(400, 'NAME_INVALID', 'the repository name is not legal', { detail: cut(repository) });
  }
  if (noun === 'tags') return { kind: 'tags', repository };
  if (noun === 'uploads') return uploadRoute(repository, last);
  if (noun === 'manifests') {
    return { kind: 'manifest', repository, reference: parseReference(method, last) };
  }
  return { kind: noun === 'blobs' ? 'blob' : 'referrers', repository, digest: parseDigest(last) };
}

/** The name for logs: `manifest`, `blob`, … and `other` for what is no endpoint. */
export type RouteKind = Route['kind'] | 'other';

export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Refusal(
    400,
    'DIGEST_INVALID',
    'the digest is neither sha256 with 64 nor sha512 with 128 places',
    {
      detail: cut(text),
    },
  );
}

function decodePath(rawPath: string): string {
  if (rawPath.length > longestPath) throw new Refusal(414, 'NAME_INVALID', 'the path is too long');
  if (!rawPath.includes('%')) return rawPath;
  try {
    // Once only: what is still encoded afterwards holds a "%", which no grammar allows.
    return decodeURIComponent(rawPath);
  } catch {
    throw new Refusal(400, 'NAME_INVALID', 'the path is not percent-encoded UTF-8');
  }
}

interface PathParts {
  readonly repository: string;
  readonly noun: 'tags' | 'uploads' | 'blobs' | 'manifests' | 'referrers';
  readonly last: string;
}

/** Read from the end: a repository may itself be called `blobs/uploads`. */
function splitPath(path: string): PathParts {
  const parts = path.startsWith('/v2/') ? path.slice(4).split('/') : [];
  const last = parts.at(-1) ?? '';
  const noun = parts.at(-2) ?? '';
  if (parts.at(-3) === 'blobs' && noun === 'uploads') {
    return { repository: parts.slice(0, -3).join('/'), noun, last };
  }
  if (noun === 'blobs' && last === 'uploads') {
    return { repository: parts.slice(0, -2).join('/'), noun: 'uploads', last: '' };
  }
  if (
    (noun === 'tags' && last === 'list') ||
    noun === 'blobs' ||
    noun === 'manifests' ||
    noun === 'referrers'
  ) {
    return { repository: parts.slice(0, -2).join('/'), noun, last };
  }
  throw new Refusal(404, 'UNSUPPORTED', 'there is no such endpoint');
}

function uploadRoute(repository: string, id: string): Route {
  if (id === '') return { kind: 'uploads', repository };
  if (!uploadId.test(id)) throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  return { kind: 'upload', repository, upload: id };
}

function parseReference(method: string, text: string): Reference {
  if (isDigest(text)) return { digest: text };
  if (isTag(text)) return { tag: text };
  if (text.includes(':')) return { digest: parseDigest(text) };
  // Reading or deleting under a name that no tag can have finds nothing; writing under it is a mistake.
  if (method !== 'PUT') throw new Refusal(404, 'MANIFEST_UNKNOWN', 'there is no such manifest');
  throw new Refusal(400, 'TAG_INVALID', 'the tag is not legal', { detail: cut(text) });
}

function cut(text: string): string {
  return text.slice(0, 200);
}

import { existsSync } from 'node:fs';
import { type Digest, isDigest } from '../../model/digest.ts';
import {
  formatImageReference,
  type ImageReference,
  isTag,
  misplacedDigest,
  parseImageReference,
} from '../../model/image-reference.ts';
import type { Parsed } from '../../model/parsed.ts';
import type { TagOrDigest } from './registry.ts';

export interface RegistryLocation {
  readonly kind: 'registry';
  readonly reference: ImageReference;
}

export interface FileLocation {
  readonly kind: 'oci' | 'oci-archive' | 'docker-archive';
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** Where an image is: in a registry, in an OCI layout folder or in an archive. */
export type Location = RegistryLocation | FileLocation;

const fileKinds = ['oci-archive', 'docker-archive', 'oci'] as const;

/** Reads `REF`, `docker://REF`, `oci:PATH[:TAG|@DIGEST]`, `oci-archive:PATH…` and `docker-archive:PATH[:TAG]`. */
export function parseLocation(
  text: string,
  exists: (path: string) => boolean = existsSync,
): Parsed<Location> {
  const kind = fileKinds.find(name => text.startsWith(`${name}:`));
  if (kind !== undefined) return parseFileLocation(kind, text.slice(kind.length + 1), exists);
  const scheme = /^([a-z][a-z0-9+-]*):\/\//.exec(text)?.[1];
  if (scheme !== undefined && scheme !== 'docker') {
    return {
      problem: `"${scheme}://" does not begin an image: write the name without it, as in ghcr.io/you/web:1`,
    };
  }
  if (scheme === undefined && isPath(text, exists)) return { problem: pathProblem(text) };
  const parsed = parseImageReference(text.replace(/^docker:\/\//, ''));
  return 'problem' in parsed ? parsed : { value: { kind: 'registry', reference: parsed.value } };
}

export function formatLocation(location: Location): string {
  if (location.kind === 'registry') return formatImageReference(location.reference);
  const { kind, path, tag, digest } = location;
  return `${kind}:${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** What to ask the registry for: the digest decides; without either it is `latest`, or whatever a file holds. */
export function targetOf(location: Location): TagOrDigest | undefined {
  const { tag, digest } = location.kind === 'registry' ? location.reference : location;
  return digest ?? tag ?? (location.kind === 'registry' ? 'latest' : undefined);
}

/** No image on Docker Hub is meant by `hello.tar`, and none anywhere by `./hello`. */
function isPath(text: string, exists: (path: string) => boolean): boolean {
  if (/^(?:[./~\\]|[A-Za-z]:\\)/.test(text)) return true;
  const named = /^(.*\.(?:tar|tar\.gz|tgz))(?::[^/:]*)?$/.exec(text)?.[1];
  if (named === undefined) return false;
  const hasHost = /^(?:[^/]*[.:][^/]*|localhost)\//.test(named);
  return !hasHost || exists(named);
}

function pathProblem(text: string): string {
  return `"${text}" is a path, not an image: a folder is written oci:${text}, a file oci-archive:${text}, or docker-archive:${text} when docker save wrote it`;
}

function parseFileLocation(
  kind: FileLocation['kind'],
  rest: string,
  exists: (path: string) => boolean,
): Parsed<Location> {
  const misplaced = exists(rest) ? undefined : misplacedDigest(rest);
  if (misplaced !== undefined) return { problem: misplaced };
  const at = rest.lastIndexOf('@');
  const digest = at === -1 ? undefined : rest.slice(at + 1);
  if (digest !== undefined && isDigest(digest)) return checkPath({ kind, path: rest.slice(0, at), digest });
  // A colon can belong to the path (C:\images, a folder named a:b); what exists is a path.
  if (exists(rest)) return checkPath({ kind, path: rest });
  const colon = kind === 'docker-archive' ? colonBeforeName(rest, exists) : rest.lastIndexOf(':');
  const tag = rest.slice(colon + 1);
  if (colon <= 1 || (kind !== 'docker-archive' && tag.includes('/'))) return checkPath({ kind, path: rest });
  const isName = kind === 'docker-archive' ? !('problem' in parseImageReference(tag)) : isTag(tag);
  if (!isName) return { problem: `the name "${tag}" in "${kind}:${rest}" is not legal` };
  return checkPath({ kind, path: rest.slice(0, colon), tag });
}

/** A saved image is named by its whole reference, colon included: the longest path that exists ends before it. */
function colonBeforeName(rest: string, exists: (path: string) => boolean): number {
  const colons = [...rest.matchAll(/:/g)].map(match => match.index).filter(at => at > 1);
  return colons.findLast(at => exists(rest.slice(0, at))) ?? colons[0] ?? -1;
}

function checkPath(location: FileLocation): Parsed<Location> {
  if (location.path === '' || location.path.includes('\0'))
    return { problem: `"${location.kind}:" needs a path` };
  return { value: location };
}

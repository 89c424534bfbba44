import { createHash } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { type ImageReference, parseImageReference } from '../model/image-reference.ts';
import type { Parsed } from '../model/parsed.ts';

/** What a base is, whatever it is pinned to: two spellings of one image are one base. */
export interface BaseName {
  /** `registry/repository:tag`; what makes it this base. */
  readonly identity: string;
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Name of its file, made from the reference as it was first written. */
  readonly stem: string;
}

export interface NamedBase {
  readonly base: BaseName;
  /** The pin, which is no part of the identity. */
  readonly digest?: Digest;
}

/** Reads a reference as a Dockerfile writes it. A digest without a tag follows nothing, so it names no base. */
export function nameBase(text: string): Parsed<NamedBase> {
  const parsed = parseImageReference(text);
  if ('problem' in parsed) return parsed;
  const { registry, repository, tag, digest } = parsed.value;
  if (digest !== undefined && tag === undefined) return { problem: pinnedWithoutTag };
  const base = {
    identity: identityOf(parsed.value),
    registry,
    repository,
    tag: tag ?? 'latest',
    stem: stemOf(text),
  };
  return { value: { base, ...(digest !== undefined && { digest }) } };
}

export const pinnedWithoutTag = 'pinned, no tag to follow';

export function identityOf({ registry, repository, tag }: ImageReference): string {
  return `${registry}/${repository}:${tag ?? 'latest'}`;
}

/** `node:22-bookworm-slim` is `node-22-bookworm-slim`. */
export function stemOf(text: string): string {
  const [named = ''] = text.split('@');
  return named
    .replace(/^(?:(?:index\.)?docker\.io\/(?:library\/)?)/, '')
    .replaceAll(/[:/]/g, '-')
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 180);
}

/** A stem that another identity has already. */
export function distinctStem(stem: string, identity: string): string {
  return `${stem}-${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`;
}

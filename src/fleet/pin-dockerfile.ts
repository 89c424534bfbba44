import { applyEdits, type TextEdit } from '../ground/yaml/splice.ts';
import { parseDockerfile } from '../image/dockerfile/parse.ts';
import { findMentions, type ImageMention } from '../image/dockerfile/references.ts';
import { positionOf } from '../image/dockerfile/source-text.ts';
import { nameBase } from './base-name.ts';

export interface PinOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
}

export interface PinnedDockerfile {
  /** The same text when nothing had to change. */
  readonly text: string;
  readonly lines: readonly number[];
}

/**
 * Pins every mention of a base to a digest: exactly the reference changes, and all of its mentions change together.
 * Frontends stay: they are no base of the image.
 */
export function pinDockerfile(
  text: string,
  path: string,
  identity: string,
  digest: string,
  o: PinOptions = {},
): PinnedDockerfile {
  const { dockerfile, problems } = parseDockerfile(text, path);
  if (problems.length > 0) return { text, lines: [] };
  const edits = new Map<number, TextEdit>();
  for (const mention of findMentions(dockerfile, o).mentions) {
    if (mention.kind === 'frontend' || !isPinnable(text, mention, identity)) continue;
    const range = mention.range;
    if (range === undefined) continue;
    const written = text.slice(range.start, range.end);
    const pinned = `${withTag(written.replace(/@.*$/s, ''))}@${digest}`;
    if (pinned !== written) edits.set(range.start, { ...range, text: pinned });
  }
  const changes = [...edits.values()];
  return {
    text: applyEdits(text, changes),
    lines: changes.map(({ start }) => positionOf(text, start).line).toSorted((a, b) => a - b),
  };
}

/** A digest alone follows no tag, so a name without one is given the one that it means. */
function withTag(written: string): string {
  return written.lastIndexOf(':') > written.lastIndexOf('/') ? written : `${written}:latest`;
}

/** Whether the place of a mention holds the whole of the reference: an ARG that something else overrides does not. */
export function isPinnable(text: string, { range, image }: ImageMention, identity: string): boolean {
  if (range === undefined) return false;
  const named = nameBase(image);
  const written = nameBase(text.slice(range.start, range.end));
  return (
    'value' in named &&
    'value' in written &&
    named.value.base.identity === identity &&
    written.value.base.identity === identity
  );
}

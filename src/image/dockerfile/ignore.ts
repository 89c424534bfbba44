import { compileGlob, type GlobMatcher } from '../../model/glob.ts';

/** A `.dockerignore`: what of a build's context the builder never sees. */
export interface IgnoreRules {
  readonly isIgnored: (path: string) => boolean;
  /** False when nothing below a folder can come back, so that it need not be entered. */
  readonly mayHold: (folder: string) => boolean;
}

interface Rule {
  readonly includes: boolean;
  readonly segments: readonly Segment[];
}

type Segment = '**' | GlobMatcher;

const mostRules = 10_000;

/** Reads the file: comments, `!`, `**`; the last rule that matches decides. */
export function readIgnoreRules(text: string): IgnoreRules {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .slice(0, mostRules)
    .flatMap(readRule);
  const isIgnored = (path: string): boolean => {
    const segments = path.split('/');
    let ignored = false;
    for (const rule of rules) {
      // Of the rules only those that would change the answer are tried.
      if (rule.includes === ignored && matchesHead(rule.segments, segments)) ignored = !rule.includes;
    }
    return ignored;
  };
  const hasExceptions = rules.some(({ includes }) => includes);
  return { isIgnored, mayHold: folder => hasExceptions || !isIgnored(folder) };
}

export const ignoreNothing: IgnoreRules = { isIgnored: () => false, mayHold: () => true };

function readRule(line: string): Rule[] {
  if (line.startsWith('#')) return [];
  let pattern = line.trim();
  const includes = pattern.startsWith('!');
  if (includes) pattern = pattern.slice(1).trim();
  const segments = normalise(pattern);
  return segments.length === 0 ? [] : [{ includes, segments: segments.map(toSegment) }];
}

/** `/a/./b/../c/` is `a/c`. */
function normalise(pattern: string): string[] {
  const segments: string[] = [];
  for (const segment of pattern.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return segments;
}

function toSegment(text: string): Segment {
  return text === '**' ? '**' : compileGlob(text);
}

/** A rule that matches a folder matches all below it. */
function matchesHead(pattern: readonly Segment[], path: readonly string[]): boolean {
  let reached = new Set([0]);
  for (const segment of path) {
    const next = new Set<number>();
    for (const place of skipStars(reached, pattern)) {
      const wanted = pattern[place];
      if (wanted === '**') next.add(place);
      else if (wanted?.(segment) === true) next.add(place + 1);
    }
    if (skipStars(next, pattern).has(pattern.length) && next.size > 0) return true;
    reached = next;
  }
  return false;
}

/** `**` stands for no folder at all as well. */
function skipStars(places: ReadonlySet<number>, pattern: readonly Segment[]): Set<number> {
  const found = new Set(places);
  for (const place of found) if (pattern[place] === '**') found.add(place + 1);
  return found;
}

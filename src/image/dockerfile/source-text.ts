/** A piece of text that was put together from several places of a file, and knows them. */
export interface SourceText {
  readonly text: string;
  /** In order; each begins at `at` of the text and at `offset` of the file. */
  readonly pieces: readonly { readonly at: number; readonly offset: number }[];
}

export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/** Where a character of the text stands in the file. */
export function offsetOf({ pieces }: SourceText, at: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.at ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  return piece === undefined ? 0 : piece.offset + at - piece.at;
}

/** The range of the file behind a part of the text; what a continued line has in between belongs to it. */
export function rangeOf(source: SourceText, start: number, end: number): SourceRange {
  return {
    start: offsetOf(source, start),
    end: end > start ? offsetOf(source, end - 1) + 1 : offsetOf(source, start),
  };
}

export function sliceSource(source: SourceText, start: number): SourceText {
  const pieces = source.pieces
    .filter(({ at }) => at > start)
    .map(({ at, offset }) => ({ at: at - start, offset }));
  return { text: source.text.slice(start), pieces: [{ at: 0, offset: offsetOf(source, start) }, ...pieces] };
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Line and column, both from 1, of an offset. */
export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++;
  return { line, column: offset - lineStart + 1 };
}

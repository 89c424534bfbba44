import type { SourceText } from './source-text.ts';

export interface PhysicalLine {
  /** Without its end. */
  readonly text: string;
  readonly offset: number;
}

/** One instruction as it was meant: continued lines joined, comments and blank lines in between dropped. */
export interface LogicalLine extends SourceText {
  /** Index of the first physical line behind it. */
  readonly nextLine: number;
}

export function splitLines(text: string): readonly PhysicalLine[] {
  const lines: PhysicalLine[] = [];
  let start = 0;
  while (start <= text.length) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    lines.push({ text: text.slice(start, stop).replace(/\r$/, ''), offset: start });
    if (end < 0) break;
    start = end + 1;
  }
  return lines;
}

export function isBlankOrComment({ text }: PhysicalLine): boolean {
  const first = text.trimStart()[0];
  return first === undefined || first === '#';
}

/** Joins the lines from one on, as long as they end in the escape character. */
export function joinLines(lines: readonly PhysicalLine[], from: number, escape: string): LogicalLine {
  let text = '';
  const pieces: { at: number; offset: number }[] = [];
  let at = from;
  let isContinued = true;
  while (isContinued && at < lines.length) {
    const line = lines[at];
    if (line === undefined) break;
    at++;
    // Inside a continued instruction a comment or an empty line stands for nothing.
    if (isBlankOrComment(line)) continue;
    const skipped = text === '' ? line.text.length - line.text.trimStart().length : 0;
    const body = withoutContinuation(line.text, escape);
    isContinued = body !== undefined;
    pieces.push({ at: text.length, offset: line.offset + skipped });
    text += (body ?? line.text).slice(skipped);
  }
  return { text: text.trimEnd(), pieces, nextLine: at };
}

/** The line before its escape character, or undefined when the instruction ends here. A doubled one escapes itself. */
function withoutContinuation(text: string, escape: string): string | undefined {
  const trimmed = text.replace(/[ \t]+$/, '');
  if (!trimmed.endsWith(escape)) return undefined;
  const body = trimmed.slice(0, -1);
  return body.endsWith(escape) ? undefined : body;
}

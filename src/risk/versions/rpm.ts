import { compareDigits, compareText } from './digits.ts';

/** RPM's order: epoch, version, release; a missing epoch is 0, a missing release matches any. */
export function compareRpm(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  const difference = compareDigits(left.epoch, right.epoch) || compareSegments(left.version, right.version);
  if (difference !== 0) return difference;
  if (left.release === undefined || right.release === undefined) {
    return Number(left.release !== undefined) - Number(right.release !== undefined);
  }
  return compareSegments(left.release, right.release);
}

function split(text: string): { epoch: string; version: string; release?: string } {
  const match = /^(?:(\d+):)?(.*)$/s.exec(text);
  const epoch = match?.[1] ?? '0';
  const rest = match?.[2] ?? text;
  const dash = rest.lastIndexOf('-');
  return dash === -1
    ? { epoch, version: rest }
    : { epoch, version: rest.slice(0, dash), release: rest.slice(dash + 1) };
}

/** rpmvercmp: segments of digits or letters; `~` before everything, `^` after the end but before a segment. */
function compareSegments(a: string, b: string): number {
  const [left, right] = [segments(a), segments(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at], right[at]];
    const difference = compareSegment(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

function segments(text: string): string[] {
  return text.match(/\d+|[A-Za-z]+|[~^]/g) ?? [];
}

function compareSegment(x: string | undefined, y: string | undefined): number {
  if (x === y) return 0;
  if (x === '~' || y === '~') return x === '~' ? -1 : 1;
  if (x === '^' || y === '^') return compareCaret(x, y);
  if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
  const [xIsNumber, yIsNumber] = [/^\d/.test(x), /^\d/.test(y)];
  if (xIsNumber && yIsNumber) return compareDigits(x, y);
  if (xIsNumber !== yIsNumber) return xIsNumber ? 1 : -1;
  return compareText(x, y);
}

function compareCaret(x: string | undefined, y: string | undefined): number {
  if (x === '^') return y === undefined ? 1 : -1;
  return x === undefined ? -1 : 1;
}

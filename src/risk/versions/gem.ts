import { compareDigits, compareText, isNumber } from './digits.ts';

/** RubyGems (Gem::Version): segments of digits or letters; letters are pre-releases and lower than digits. */
export function compareGem(a: string, b: string): number {
  const [left, right] = [segments(a), segments(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x = '0', y = '0'] = [left[at], right[at]];
    if (x === y) continue;
    const [xIsNumber, yIsNumber] = [isNumber(x), isNumber(y)];
    if (xIsNumber !== yIsNumber) return xIsNumber ? 1 : -1;
    const difference = xIsNumber ? compareDigits(x, y) : compareText(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

function segments(version: string): string[] {
  const all =
    version
      .trim()
      .replaceAll('-', '.pre.')
      .match(/\d+|[a-z]+/gi) ?? [];
  const firstWord = all.findIndex(segment => !isNumber(segment));
  const split = firstWord === -1 ? all.length : firstWord;
  // Zeros at the end of the numbers and of the pre-release part say nothing.
  return [...dropZeros(all.slice(0, split)), ...dropZeros(all.slice(split))];
}

function dropZeros(segments: readonly string[]): readonly string[] {
  let length = segments.length;
  while (length > 0 && /^0+$/.test(segments[length - 1] ?? '')) length--;
  return segments.slice(0, length);
}

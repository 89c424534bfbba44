import { compareDigits, compareText, isNumber } from './digits.ts';

/** Semantic Versioning 2.0; missing minor or patch is zero, a leading `v` is ignored, build metadata too. */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  const length = Math.max(left.core.length, right.core.length);
  for (let at = 0; at < length; at++) {
    const [x = '0', y = '0'] = [left.core[at], right.core[at]];
    const difference = isNumber(x) && isNumber(y) ? compareDigits(x, y) : compareIdentifiers(x, y);
    if (difference !== 0) return difference;
  }
  return comparePreRelease(left.pre, right.pre);
}

function split(version: string): { core: string[]; pre: string[] } {
  const [withoutBuild = ''] = version
    .trim()
    .replace(/^[vV=]+/, '')
    .split('+');
  const dash = withoutBuild.indexOf('-');
  const core = dash === -1 ? withoutBuild : withoutBuild.slice(0, dash);
  const pre = dash === -1 ? '' : withoutBuild.slice(dash + 1);
  return { core: core.split('.'), pre: pre === '' ? [] : pre.split('.') };
}

function comparePreRelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const difference = compareIdentifiers(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers are lower than words. */
function compareIdentifiers(x: string, y: string): number {
  const [xIsNumber, yIsNumber] = [isNumber(x), isNumber(y)];
  if (xIsNumber && yIsNumber) return compareDigits(x, y);
  if (xIsNumber !== yIsNumber) return xIsNumber ? -1 : 1;
  return compareText(x, y);
}

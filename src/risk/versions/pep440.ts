import { compareDigits, compareText, isNumber, sign } from './digits.ts';

interface PythonVersion {
  readonly epoch: string;
  readonly release: readonly string[];
  /** a, b or rc and its number. */
  readonly pre?: readonly [string, string];
  readonly post?: string;
  readonly dev?: string;
  readonly local: readonly string[];
}

// PEP 440, Appendix B, with every spelling that it normalises.
const pattern =
  /^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$/i;

const preNames: Readonly<Record<string, string>> = {
  alpha: 'a',
  beta: 'b',
  c: 'rc',
  pre: 'rc',
  preview: 'rc',
};

/** PEP 440; what is no version sorts below every version. */
export function comparePep440(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) {
    return left === right ? compareText(a, b) : left === undefined ? -1 : 1;
  }
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareReleases(left.release, right.release) ||
    comparePre(left, right) ||
    compareOptional(left.post, right.post, -1) ||
    compareOptional(left.dev, right.dev, 1) ||
    compareLocal(left.local, right.local)
  );
}

const parsed = new Map<string, PythonVersion | undefined>();

function parse(text: string): PythonVersion | undefined {
  if (parsed.has(text)) return parsed.get(text);
  const version = read(text);
  if (parsed.size >= 10_000) parsed.clear();
  parsed.set(text, version);
  return version;
}

function read(text: string): PythonVersion | undefined {
  if (text.length > 256) return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [
    ,
    epoch = '0',
    release = '',
    preName,
    preNumber,
    shortPost,
    postName,
    postNumber,
    devName,
    devNumber,
    local = '',
  ] = match;
  const name = preName?.toLowerCase();
  const post = shortPost ?? (postName === undefined ? undefined : postNumber || '0');
  return {
    epoch,
    release: release.split('.'),
    ...(name !== undefined && { pre: [preNames[name] ?? name, preNumber || '0'] as const }),
    ...(post !== undefined && { post }),
    ...(devName !== undefined && { dev: devNumber || '0' }),
    local: local === '' ? [] : local.toLowerCase().split(/[-_.]/),
  };
}

function compareReleases(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = compareDigits(a[at] ?? '0', b[at] ?? '0');
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A dev release without anything else comes before pre-releases, these before the release. */
function comparePre(a: PythonVersion, b: PythonVersion): number {
  const difference = sign(preRank(a) - preRank(b));
  if (difference !== 0 || a.pre === undefined || b.pre === undefined) return difference;
  return compareText(a.pre[0], b.pre[0]) || compareDigits(a.pre[1], b.pre[1]);
}

function preRank({ pre, post, dev }: PythonVersion): number {
  if (pre !== undefined) return 1;
  return post === undefined && dev !== undefined ? 0 : 2;
}

function compareOptional(a: string | undefined, b: string | undefined, absent: -1 | 1): number {
  if (a !== undefined && b !== undefined) return compareDigits(a, b);
  if (a === b) return 0;
  return a === undefined ? absent : absent === 1 ? -1 : 1;
}

function compareLocal(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [xIsNumber, yIsNumber] = [isNumber(x), isNumber(y)];
    const difference =
      xIsNumber && yIsNumber
        ? compareDigits(x, y)
        : xIsNumber === yIsNumber
          ? compareText(x, y)
          : xIsNumber
            ? 1
            : -1;
    if (difference !== 0) return difference;
  }
  return 0;
}

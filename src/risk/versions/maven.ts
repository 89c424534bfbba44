import { compareDigits, compareText, isNumber, sign } from './digits.ts';

type Item = string | readonly Item[];

const qualifiers = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const release = qualifiers.indexOf('');
const aliases: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc' };
const abbreviations: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' };

/** Maven's ComparableVersion. */
export function compareMaven(a: string, b: string): number {
  return compareLists(parse(a), parse(b));
}

const parsed = new Map<string, readonly Item[]>();

function parse(version: string): readonly Item[] {
  const known = parsed.get(version);
  if (known !== undefined) return known;
  const items = build(version.slice(0, 256).toLowerCase());
  if (parsed.size >= 10_000) parsed.clear();
  parsed.set(version, items);
  return items;
}

/** Dots separate items; dashes and changes between digits and letters open a list in the list. */
function build(version: string): readonly Item[] {
  const root: Item[] = [];
  const stack: Item[][] = [root];
  const current = (): Item[] => stack.at(-1) ?? root;
  const open = (): void => {
    const list: Item[] = [];
    current().push(list);
    stack.push(list);
  };
  const tokens = version.match(/\d+|[^\d.-]+|[.-]/g) ?? [];
  let previous = '';
  for (const [at, token] of tokens.entries()) {
    if (token === '.' || token === '-') {
      if (previous === '' || previous === '.' || previous === '-') current().push('0');
      if (token === '-') open();
    } else {
      const isWord = !isNumber(token);
      const follows = previous !== '' && previous !== '.' && previous !== '-';
      if (follows) open();
      const next = tokens[at + 1] ?? '';
      current().push(isWord ? normalise(token, isNumber(next)) : token.replace(/^0+(?=\d)/, ''));
      if (isWord && isNumber(next)) open();
      previous = isWord && isNumber(next) ? '-' : token;
      continue;
    }
    previous = token;
  }
  for (const list of stack.toReversed()) trim(list);
  return root;
}

function normalise(word: string, digitFollows: boolean): string {
  const whole = (digitFollows ? abbreviations[word] : undefined) ?? word;
  return aliases[whole] ?? whole;
}

/** Items at the end that mean nothing are dropped: zeros, release words, empty lists. */
function trim(list: Item[]): void {
  for (let at = list.length - 1; at >= 0; at--) {
    const item = list[at];
    if (isNothing(item)) list.splice(at, 1);
    else if (!Array.isArray(item)) break;
  }
}

function isNothing(item: Item | undefined): boolean {
  return item === undefined || item === '0' || item === '' || (typeof item !== 'string' && item.length === 0);
}

function compareLists(a: readonly Item[], b: readonly Item[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    const difference =
      x === undefined ? -compareToNothing(y) : y === undefined ? compareToNothing(x) : compareItems(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareToNothing(item: Item | undefined): number {
  if (item === undefined) return 0;
  if (typeof item !== 'string') {
    for (const inner of item) {
      const difference = compareToNothing(inner);
      if (difference !== 0) return difference;
    }
    return 0;
  }
  if (isNumber(item)) return item === '0' ? 0 : 1;
  return sign(rank(item) - release);
}

/** Words are lower than lists, lists lower than numbers. */
function compareItems(x: Item, y: Item): number {
  const [left, right] = [kindOf(x), kindOf(y)];
  if (left !== right) return sign(left - right);
  if (typeof x !== 'string' && typeof y !== 'string') return compareLists(x, y);
  if (left === 2) return compareDigits(x as string, y as string);
  return (
    sign(rank(x as string) - rank(y as string)) ||
    (rank(x as string) === qualifiers.length ? compareText(x as string, y as string) : 0)
  );
}

function kindOf(item: Item): 0 | 1 | 2 {
  if (typeof item !== 'string') return 1;
  return isNumber(item) ? 2 : 0;
}

function rank(word: string): number {
  const index = qualifiers.indexOf(word);
  return index === -1 ? qualifiers.length : index;
}

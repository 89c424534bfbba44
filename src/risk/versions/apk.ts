import { compareDigits, compareText, isNumber, sign } from './digits.ts';

/** What can follow in an Alpine version, in the order of its grammar. */
const kinds = ['number', 'letter', 'suffix', 'suffix-number', 'hash', 'revision', 'end', 'invalid'] as const;
type Kind = (typeof kinds)[number];

interface Token {
  readonly kind: Kind;
  readonly text: string;
  readonly isFirst?: boolean;
}

const suffixes = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];
const plain = suffixes.indexOf('');

/** Alpine's order (apk-tools, version grammar `digits{.digits}{letter}{_suffix{n}}{~hash}{-rN}`). */
export function compareApk(a: string, b: string): number {
  const [left, right] = [tokenize(a), tokenize(b)];
  for (let at = 0; ; at++) {
    const x = left[at] ?? end;
    const y = right[at] ?? end;
    if (x.kind !== y.kind) return compareKinds(x, y);
    if (x.kind === 'end') return 0;
    const difference = compareTokens(x, y);
    if (difference !== 0) return difference;
  }
}

const end: Token = { kind: 'end', text: '' };

function compareTokens(x: Token, y: Token): number {
  switch (x.kind) {
    case 'number': {
      // After the first, a number with a leading zero is a fraction and compares as text.
      const isFraction = x.isFirst !== true && (x.text.startsWith('0') || y.text.startsWith('0'));
      return isFraction ? compareText(x.text, y.text) : compareDigits(x.text, y.text);
    }
    case 'suffix':
      return sign(suffixes.indexOf(x.text) - suffixes.indexOf(y.text));
    case 'suffix-number':
    case 'revision':
      return compareDigits(x.text, y.text);
    case 'letter':
    case 'hash':
    case 'invalid':
    case 'end':
      return compareText(x.text, y.text);
  }
}

/** A pre-release suffix is lower than anything else there; otherwise what comes earlier in the grammar is greater. */
function compareKinds(x: Token, y: Token): number {
  if (isPreRelease(x)) return -1;
  if (isPreRelease(y)) return 1;
  return sign(kinds.indexOf(y.kind) - kinds.indexOf(x.kind));
}

function isPreRelease({ kind, text }: Token): boolean {
  return kind === 'suffix' && suffixes.indexOf(text) < plain;
}

function tokenize(version: string): Token[] {
  const tokens: Token[] = [];
  let rest = version;
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    return match[1] ?? '';
  };
  for (
    let text = take(/^(\d+)/), isFirst = true;
    text !== undefined;
    text = take(/^\.(\d+)/), isFirst = false
  ) {
    tokens.push({ kind: 'number', text, isFirst });
  }
  const letter = take(/^([a-z])/);
  if (letter !== undefined) tokens.push({ kind: 'letter', text: letter });
  for (let name = take(/^_([a-z]+)/); name !== undefined; name = take(/^_([a-z]+)/)) {
    tokens.push({ kind: suffixes.includes(name) ? 'suffix' : 'invalid', text: name });
    const number = take(/^(\d+)/);
    if (number !== undefined && isNumber(number)) tokens.push({ kind: 'suffix-number', text: number });
  }
  const hash = take(/^~([0-9a-f]+)/);
  if (hash !== undefined) tokens.push({ kind: 'hash', text: hash });
  const revision = take(/^-r(\d+)/);
  if (revision !== undefined) tokens.push({ kind: 'revision', text: revision });
  if (rest !== '') tokens.push({ kind: 'invalid', text: rest });
  return tokens;
}

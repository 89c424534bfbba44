type Token = '*' | ((character: string) => boolean);

/** Matches one segment of a path against `*`, `?`, `[a-z]` and escaped characters; never slower than length times length. */
export type GlobMatcher = (text: string) => boolean;

export function hasGlob(text: string): boolean {
  return /[*?[\\]/.test(text);
}

export function compileGlob(glob: string): GlobMatcher {
  if (!hasGlob(glob)) return text => text === glob;
  const tokens = readTokens(glob);
  return text => matchTokens(tokens, [...text]);
}

function readTokens(glob: string): Token[] {
  const tokens: Token[] = [];
  const characters = [...glob];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*');
    } else if (character === '?') tokens.push(() => true);
    else if (character === '[' && characters.indexOf(']', at + 2) > 0) {
      const end = characters.indexOf(']', at + 2);
      tokens.push(readClass(characters.slice(at + 1, end)));
      at = end;
    } else if (character === '\\' && at + 1 < characters.length) {
      const literal = characters[++at];
      tokens.push(one => one === literal);
    } else tokens.push(one => one === character);
  }
  return tokens;
}

function readClass(body: readonly string[]): (character: string) => boolean {
  const isNegated = body[0] === '^' || body[0] === '!';
  const members = isNegated ? body.slice(1) : body;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? '';
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    ranges.push([from, isRange ? (members[at + 2] ?? from) : from]);
    if (isRange) at += 2;
  }
  return character => ranges.some(([from, to]) => character >= from && character <= to) !== isNegated;
}

/** Only the last star is ever taken up again: an earlier one could win nothing that this one cannot. */
function matchTokens(tokens: readonly Token[], text: readonly string[]): boolean {
  let place = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const token = tokens[place];
    if (token === '*') {
      star = place++;
      starAt = at;
    } else if (token !== undefined && token(text[at] ?? '')) {
      place++;
      at++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[place] === '*') place++;
  return place === tokens.length;
}

import { compareDigits, sign } from './digits.ts';

/** Debian's order (deb-version(7)): epoch, upstream version, revision; `~` sorts before the end, letters before the rest. */
export function compareDeb(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return (
    compareDigits(left.epoch, right.epoch) ||
    comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision)
  );
}

function split(version: string): { epoch: string; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const epoch = colon > 0 && /^\d+$/.test(version.slice(0, colon)) ? version.slice(0, colon) : '0';
  const rest = colon > 0 && /^\d+$/.test(version.slice(0, colon)) ? version.slice(colon + 1) : version;
  const dash = rest.lastIndexOf('-');
  return dash === -1
    ? { epoch, upstream: rest, revision: '' }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Runs of non-digits and runs of digits in turns. */
function comparePart(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = rank(a, i) - rank(b, j);
      if (difference !== 0) return sign(difference);
      i++;
      j++;
    }
    const [from, other] = [i, j];
    while (isDigit(a, i)) i++;
    while (isDigit(b, j)) j++;
    const difference = compareDigits(a.slice(from, i), b.slice(other, j));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `~` < end of the run < letters < everything else. */
function rank(text: string, at: number): number {
  const code = at < text.length ? text.charCodeAt(at) : 0;
  if (code === 0 || (code >= 48 && code <= 57)) return 0;
  if (code === 126) return -1;
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return isLetter ? code : code + 256;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

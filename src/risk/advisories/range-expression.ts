import type { VersionRange } from './advisory.ts';

/**
 * What Trivy's database writes: `>=2.0, <2.3.1`, alternatives behind `||`, `=1.2.3`, and `""` for every version.
 * Undefined when it is none of these: an expression that is not understood must not quietly match nothing.
 */
export function readRangeExpression(text: string): VersionRange[] | undefined {
  const ranges: VersionRange[] = [];
  for (const alternative of text.slice(0, 20_000).split('||')) {
    const range = readConjunction(alternative.trim());
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  return ranges;
}

const brackets = /^([[(])\s*([^,\])]*?)\s*(?:(,)\s*([^,\])]*?)\s*)?([\])])$/;

function readConjunction(text: string): VersionRange | undefined {
  const interval = brackets.exec(text);
  if (interval !== null) return readInterval(interval);
  const parts = text.match(/(?:[<>=~^!]=?|~>)?\s*[^\s,<>=]+/g) ?? [];
  if (parts.join('').replaceAll(/[\s,]/g, '') !== text.replaceAll(/[\s,]/g, '')) return undefined;
  // Several versions without a sign between them are no condition that anybody knows.
  if (parts.length > 1 && parts.some(part => /^[^<>=~^!]/.test(part.trim()))) return undefined;
  let range: VersionRange = {};
  for (const part of parts) {
    const bound = readBound(part.trim());
    if (bound === undefined) return undefined;
    range = { ...range, ...bound };
  }
  return range;
}

function readBound(part: string): VersionRange | undefined {
  const [, operator = '', version = ''] = /^([<>=~^!]*)\s*(.+)$/.exec(part) ?? [];
  switch (operator) {
    case '<':
      return { fixed: version };
    case '<=':
      return { lastAffected: version };
    case '>':
      return { after: version };
    case '>=':
      return version === '0' ? {} : { introduced: version };
    case '':
    case '=':
    case '==':
      return version === '*' ? {} : { introduced: version, lastAffected: version };
    case '^':
    case '~':
    case '~>':
      return readCompatible(operator, version);
    default:
      return undefined;
  }
}

/** `^1.2` up to the next major, `~1.2.3` and `~> 1.2.3` up to the next of the last but one. */
function readCompatible(operator: string, version: string): VersionRange | undefined {
  const numbers = /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1]?.split('.').map(Number);
  if (numbers === undefined) return undefined;
  const place = operator === '^' ? numbers.findIndex(number => number > 0) : Math.max(0, numbers.length - 2);
  const fixed = numbers.slice(0, (place === -1 ? 0 : place) + 1);
  fixed.push((fixed.pop() ?? 0) + 1);
  return { introduced: version, fixed: fixed.join('.') };
}

/** Maven's `[2.0,2.3.1)`. */
function readInterval([, open, low = '', comma, high = '', close]: RegExpExecArray):
  | VersionRange
  | undefined {
  if (comma === undefined) return low === '' ? undefined : { introduced: low, lastAffected: low };
  return {
    ...(low !== '' && (open === '[' ? { introduced: low } : { after: low })),
    ...(high !== '' && (close === ']' ? { lastAffected: high } : { fixed: high })),
  };
}

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAccessEvent } from '../access/access-log.ts';
import { matchesEtag } from '../endpoints/blobs.ts';
import { parseContentRange, parseRange } from './byte-range.ts';
import { nextLink, pageOf, parsePageSize } from './page.ts';

describe('a range', () => {
  it.each([
    ['bytes=0-', { first: 0, last: 9 }],
    ['bytes=9-9', { first: 9, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
    ['bytes=-', undefined],
    [`bytes=${'9'.repeat(40)}-`, undefined],
  ])('%s of ten bytes', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });

  it('of an empty blob is never satisfiable', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1'])
      expect(parseRange(header, 0)).toBe('unsatisfiable');
  });

  it('never leaves the content', () => {
    const number = fc.nat({ max: 30 });
    fc.assert(
      fc.property(fc.option(number), fc.option(number), number, (from, to, size) => {
        const range = parseRange(`bytes=${from ?? ''}-${to ?? ''}`, size);
        if (typeof range !== 'object') return;
        expect(0 <= range.first && range.first <= range.last && range.last < size).toBe(true);
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });

  it('of a chunk is read with and without its unit', () => {
    for (const header of ['5-9', 'bytes 5-9/20', 'bytes 5-9/*', 'bytes=5-9']) {
      expect(parseContentRange(header)).toEqual({ first: 5, last: 9 });
    }
    for (const header of ['9-5', '-5', '5-', 'x', `0-${'9'.repeat(30)}`]) {
      expect(parseContentRange(header)).toBeUndefined();
    }
  });
});

describe('a page', () => {
  it('follows another until every name was seen once, whatever the size', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        (names, n) => {
          const sorted = names.sort();
          const seen: string[] = [];
          for (let last: string | null | undefined = null; last !== undefined; ) {
            const page = pageOf(sorted, n, last);
            expect(page.items.length).toBeLessThanOrEqual(n);
            seen.push(...page.items);
            last = page.next;
          }
          expect(seen).toEqual(sorted);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });

  it('of a name that is not there starts after it', () => {
    expect(pageOf(['a', 'c', 'e'], 1, 'b')).toEqual({ items: ['c'], next: 'c' });
    expect(pageOf(['a'], undefined, 'z')).toEqual({ items: [], next: undefined });
  });

  it('size is a whole number, and a very large one is cut', () => {
    expect(parsePageSize(null)).toBeUndefined();
    expect(parsePageSize('999999999')).toBe(10_000);
    for (const text of ['', '-1', '1.5', '0x10', '9'.repeat(30)])
      expect(() => parsePageSize(text)).toThrow('n must be');
  });

  it('link is encoded', () => {
    expect(nextLink('/v2/_catalog', { last: 'a&b>;"', n: '2' })).toBe(
      '</v2/_catalog?last=a%26b%3E%3B%22&n=2>; rel="next"',
    );
  });
});

describe('an entity tag', () => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  it.each([
    [`"${digest}"`, true],
    [`W/"${digest}"`, true],
    [`"x", "${digest}"`, true],
    ['*', true],
    [digest, false],
    ['', false],
    [undefined, false],
  ])('%s', (header, expected) => {
    expect(matchesEtag(header, digest)).toBe(expected);
  });
});

describe('a line of the access log', () => {
  it('is one line, whatever a client sends', () => {
    const event = {
      time: 't',
      remote: 'r',
      method: 'GET\n{"status":200}',
      endpoint: 'other',
      status: 400,
    } as const;
    const line = formatAccessEvent({
      ...event,
      received: 0,
      sent: 0,
      milliseconds: 1,
      user: 'a\u2028\u009b\u0000b\r',
    });
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(line)).toMatchObject({ method: event.method, user: 'a\u2028\u009b\u0000b\r' });
  });
});

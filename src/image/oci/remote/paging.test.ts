import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNextLink } from './paging.ts';

describe('parseNextLink', () => {
  it.each([
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
    ['</x>; rel=next', '/x'],
    ['</x>; REL="prev next"', '/x'],
    [
      '<https://a.example/1>; rel="first", <https://a.example/2>; title="a, b; c"; rel="next"',
      'https://a.example/2',
    ],
    ['</a,b>;rel="next"', '/a,b'],
  ])('reads %s', (header, target) => {
    expect(parseNextLink(header)).toBe(target);
  });

  it.each([
    undefined,
    '',
    '</x>',
    '</x>; rel="prev"',
    '/x; rel="next"',
    '</x; rel="next"',
    '</x>; title="rel=next"',
    '</x>; rel="nextpage"',
  ])('finds no next page in %s', header => {
    expect(parseNextLink(header)).toBeUndefined();
  });

  it('reads back any target that was written, and never throws', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const target = `${path}?${query}`;
        expect(parseNextLink(`<${target}>; rel="next"`)).toBe(target);
      }),
      { seed: 3, numRuns: 1000 },
    );
    const piece = fc.constantFrom('<', '>', ';', ',', ' ', 'rel', '=', '"', 'next', '/x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), parts => void parseNextLink(parts.join(''))),
      { seed: 5, numRuns: 5000 },
    );
    const start = performance.now();
    for (const hostile of [
      '<'.repeat(1e5),
      '<>;'.repeat(1e5),
      `<>${'; a'.repeat(1e5)}`,
      `<>${';'.repeat(1e5)}`,
      `<>${' '.repeat(1e5)}`,
    ])
      parseNextLink(hostile);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesWholePattern, PatternError } from './linear-pattern.ts';

describe('a pattern', () => {
  it('must match the whole text', () => {
    expect(matchesWholePattern('refs/heads/main', 'refs/heads/main')).toBe(true);
    expect(matchesWholePattern('refs/heads/main', 'refs/heads/main-evil')).toBe(false);
    expect(matchesWholePattern('a|b', 'ab')).toBe(false);
    expect(matchesWholePattern('^a|b$', 'ab')).toBe(false);
  });

  it.each([
    [
      'https://github\\.com/o/[^/]+/\\.github/workflows/release\\.ya?ml@refs/(heads/main|tags/v\\d+\\.\\d+)',
      'https://github.com/o/app/.github/workflows/release.yml@refs/tags/v1.20',
      true,
    ],
    ['a{2,3}', 'aa', true],
    ['a{2,3}', 'aaaa', false],
    ['(?:ab)*c+?', 'ababcc', true],
    ['(?P<name>x)|y', 'y', true],
    ['[a-c\\d_-]+', 'ab3_-', true],
    ['[^a]', 'a', false],
    ['[]a]+', ']a', true],
    ['\\w+\\W\\s?', 'ab! ', true],
    ['.', '\n', false],
    ['', '', true],
    ['\\Aab\\z', 'ab', true],
    ['{', '{', true],
  ])('%s against %s', (pattern, text, expected) => {
    expect(matchesWholePattern(pattern, text)).toBe(expected);
  });

  it.each([
    '(',
    ')',
    '[a',
    '*a',
    'a**',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '\\1',
    '(?i)a',
    '[b-a]',
    'a{3,2}',
    'a{1001}',
    '\\p{L}',
    `${'('.repeat(60)}${')'.repeat(60)}`,
    'a'.repeat(1001),
    '((a{100}){100}){100}',
  ])('refuses %s', pattern => {
    expect(() => matchesWholePattern(pattern, 'a')).toThrow(PatternError);
  });

  it('takes linear time where others explode', () => {
    const start = performance.now();
    expect(matchesWholePattern('(a+)+(a|aa)*b', 'a'.repeat(5000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('agrees with the language on patterns that both know', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '(a|b)',
      '(?:ab)',
      'a*',
      'b+',
      'a?',
      '(a|bb)*',
      'a{1,2}',
    );
    fc.assert(
      fc.property(
        fc.array(atom, { maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 }),
        (atoms, text) => {
          const pattern = atoms.join('');
          expect(matchesWholePattern(pattern, text)).toBe(new RegExp(`^(?:${pattern})$`).test(text));
        },
      ),
      { seed: 11, numRuns: 2000 },
    );
  });
});

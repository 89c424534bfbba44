import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findAffected } from './affected.ts';
import { readRangeExpression } from './range-expression.ts';

const plain = { unaffected: [], versions: [] };

describe('a version', () => {
  it('is affected from where a range begins up to its fix, as its ecosystem orders versions', () => {
    const rule = {
      ...plain,
      ranges: [
        { introduced: '2.0-beta9', fixed: '2.3.1' },
        { introduced: '2.4', fixed: '2.12.2' },
      ],
    };
    const affected = ['2.0-beta8', '2.0', '2.3.0', '2.3.1', '2.10.0', '2.12.2'].map(
      each => findAffected(each, rule, 'maven') !== undefined,
    );
    expect(affected).toEqual([false, true, true, false, true, false]);
  });

  it('is told apart from the last affected one', () => {
    const rule = { ...plain, ranges: [{ lastAffected: '1.2.3' }, { after: '3.0.0' }] };
    expect(
      ['1.2.3', '1.2.4', '3.0.0', '3.0.1'].map(each => findAffected(each, rule, 'semver') !== undefined),
    ).toEqual([true, false, false, true]);
  });

  it('takes the epoch of the advisory for rpm where it has none, and zero for deb', () => {
    const rule = { ...plain, ranges: [{ fixed: '1:2.0-1' }] };
    expect(findAffected('3.0-1', rule, 'rpm')).toBeUndefined();
    expect(findAffected('3.0-1', rule, 'deb')).toBeDefined();
    expect(findAffected('0:3.0-1', rule, 'rpm')).toBeDefined();
  });

  it('in one of many ranges is found as a simple search finds it', () => {
    const bound = fc.integer({ min: 0, max: 40 });
    const ranges = fc.array(
      fc.record({
        introduced: fc.option(bound, { nil: undefined }),
        fixed: fc.option(bound, { nil: undefined }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(bound, ranges, ranges, (version, bad, good) => {
        const inside = (list: typeof bad) =>
          list.some(({ introduced, fixed }) => (introduced ?? 0) <= version && version < (fixed ?? 99));
        const toRanges = (list: typeof bad) =>
          list.map(({ introduced, fixed }) => ({
            ...(introduced !== undefined && { introduced: `1.${introduced}.0` }),
            ...(fixed !== undefined && { fixed: `1.${fixed}.0` }),
          }));
        const rule = { ranges: toRanges(bad), unaffected: toRanges(good), versions: [] };
        expect(findAffected(`1.${version}.0`, rule, 'semver') !== undefined).toBe(
          inside(bad) && !inside(good),
        );
      }),
      { seed: 9, numRuns: 1_000 },
    );
  });
});

describe('an expression', () => {
  it.each([
    ['<4.17.21', [{ fixed: '4.17.21' }]],
    ['>=2.0-beta9, <2.3.1', [{ introduced: '2.0-beta9', fixed: '2.3.1' }]],
    [
      '>= 5.0.0 < 5.2.3 || >= 6.0.0 < 6.2.2',
      [
        { introduced: '5.0.0', fixed: '5.2.3' },
        { introduced: '6.0.0', fixed: '6.2.2' },
      ],
    ],
    ['<=2.0.1', [{ lastAffected: '2.0.1' }]],
    ['> 1.0', [{ after: '1.0' }]],
    ['= 1.2.3', [{ introduced: '1.2.3', lastAffected: '1.2.3' }]],
    ['^1.2.3', [{ introduced: '1.2.3', fixed: '2' }]],
    ['^0.2.3', [{ introduced: '0.2.3', fixed: '0.3' }]],
    ['~> 4.2.5', [{ introduced: '4.2.5', fixed: '4.3' }]],
    ['[1.0,2.0)', [{ introduced: '1.0', fixed: '2.0' }]],
    ['(,2.0]', [{ lastAffected: '2.0' }]],
    ['>=0', [{}]],
    ['*', [{}]],
    ['!=1.0', undefined],
    ['what is this', undefined],
  ])('%s', (text, ranges) => {
    expect(readRangeExpression(text)).toEqual(ranges);
  });

  it('of any kind is read in no time', () => {
    const started = performance.now();
    for (const text of [
      '>='.repeat(50_000),
      ' '.repeat(100_000),
      '||'.repeat(20_000),
      `[${','.repeat(50_000)}`,
    ])
      readRangeExpression(text);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('durations', () => {
  const hour = 3_600_000;
  it.each([
    ['48h', 48 * hour],
    ['7 D', 168 * hour],
    ['24', 24 * hour],
    ['30m', hour / 2],
    ['2w', 336 * hour],
    ['1d12h', 36 * hour],
    ['1d 12h', 36 * hour],
    ['P7D', 168 * hour],
    ['PT36H', 36 * hour],
    ['P1W', 168 * hour],
    ['P1DT1H', 25 * hour],
    ['0', 0],
    ['none', 0],
    ['disabled', 0],
    ['off', 0],
    ['No', 0],
  ])('reads %s', (text, value) => expect(parseDuration(text)).toEqual({ value }));

  it.each([
    '',
    ' ',
    'true',
    '-1h',
    '1.5h',
    '2x',
    '1h1h',
    '12h1d',
    'P1M',
    'P1Y',
    'P',
    'PT',
    'h',
    '1h!',
    '9999999999',
  ])('refuses "%s"', text => expect(parseDuration(text)).toHaveProperty('problem'));
});

import { describe, expect, it } from 'vitest';
import { parseByteSize } from './byte-size.ts';

describe('byte sizes', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['2kB', 2000],
    ['2 KiB', 2048],
    ['1.5G', 1_500_000_000],
    ['2GiB', 2_147_483_648],
    ['1tb', 1_000_000_000_000],
  ])('reads %s', (text, value) => expect(parseByteSize(text)).toEqual({ value }));

  it.each(['', 'MB', '-1', '1e9', '1,5G', '10 PB', '9999999999999', '99999999TiB'])('refuses "%s"', text =>
    expect(parseByteSize(text)).toHaveProperty('problem'),
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Json, JsonError, parseStrictJson } from './strict-json.ts';

describe('strict JSON', () => {
  it('reads whatever JSON writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }), value => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it.each([
    ['a key twice', '{"a":1,"a":2}'],
    ['a key twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a key twice deep inside', '{"x":[{"y":{"a":1,"b":"}","a":2}}]}'],
    ['too many levels', `${'[{"a":'.repeat(40)}1${'}]'.repeat(40)}`],
    ['an open string', '{"a'],
    ['two values', '1 2'],
    ['a trailing comma', '[1,]'],
  ])('refuses %s', (_name, text) => {
    expect(() => parseStrictJson(text)).toThrow(JsonError);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(JsonError);
  });

  it('takes the same key in different objects, and braces inside of texts', () => {
    expect(parseStrictJson('[{"a":"{\\"a\\":,"},{"a":"\\\\"}]')).toHaveLength(2);
  });

  it('reads a large text in a time that grows with its length', () => {
    const text = JSON.stringify({
      payload: 'A'.repeat(8_000_000),
      list: Array.from({ length: 100_000 }, () => ({ a: 1 })),
    });
    const start = performance.now();
    parseStrictJson(text);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('canonical JSON', () => {
  it('sorts keys at every level and leaves no space', () => {
    const value: Json = { b: [{ d: 1, c: 'x' }], a: null };
    expect(canonicalJson(value)).toBe('{"a":null,"b":[{"c":"x","d":1}]}');
  });
});

describe('base64', () => {
  it.each(['QQ', 'QR==', 'Q Q=', 'QQ==\n', 'QQ_-', '='])('refuses the second spelling %s', text => {
    expect(() => decodeBase64(text)).toThrow();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DerError } from './der-error.ts';
import { readDer } from './reader.ts';
import {
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
  utf8String,
} from './writer.ts';

const seed = { seed: 7, numRuns: 300 };
const read = (hex: string) => readDer(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('DER', () => {
  it('reads back every whole number that it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), value => {
        expect(readDer(integer(value)).integer).toBe(value);
      }),
      seed,
    );
  });

  it('reads back object identifiers whose arcs no number could hold', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 80n });
    fc.assert(
      fc.property(fc.array(arc, { minLength: 1, maxLength: 6 }), arcs => {
        const dotted = `1.3.${arcs.join('.')}`;
        expect(readDer(objectIdentifier(dotted)).objectIdentifier).toBe(dotted);
      }),
      seed,
    );
    expect(readDer(objectIdentifier('2.999.3')).objectIdentifier).toBe('2.999.3');
  });

  it('reads back texts, octets and nested sequences of any length', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        fc.uint8Array({ maxLength: 400 }),
        (text, octets) => {
          const value = readDer(sequence(utf8String(text), sequence(octetString(octets))));
          expect(value.member(0).text).toBe(text);
          expect([...value.member(1).member(0).octets]).toEqual([...octets]);
        },
      ),
      seed,
    );
  });

  it('writes UTCTime until 2049 and GeneralizedTime from 2050 on', () => {
    for (const [date, tag] of [
      ['2049-12-31T23:59:59Z', 0x17],
      ['2050-01-01T00:00:00Z', 0x18],
    ] as const) {
      const value = readDer(time(new Date(date)));
      expect([value.tag, value.time.toISOString().replace('.000', '')]).toEqual([tag, date]);
    }
  });

  it.each([
    ['20260101000000.1Z', 100],
    ['20260101000000.12Z', 120],
    ['20260101000000.123Z', 123],
    ['20260101000000.123456789Z', 123],
    ['20260101000000Z', 0],
  ])('reads the fraction of %s', (text, milliseconds) => {
    const value = readDer(Buffer.concat([Buffer.of(0x18, text.length), Buffer.from(text)]));
    expect(value.time.getUTCMilliseconds()).toBe(milliseconds);
  });

  it.each([
    ['an indefinite length', '30 80 00 00'],
    ['a length that is not the shortest', '04 81 01 00'],
    ['a length with a leading zero', '04 82 00 80'],
    ['a value longer than its holder', '30 03 04 05 00'],
    ['bytes behind the value', '05 00 00'],
    ['a long tag', '1f 81 00 00'],
    ['nothing', ''],
  ])('refuses %s', (_name, hex) => {
    expect(() => read(hex).members).toThrow(DerError);
  });

  it.each([
    ['a padded integer', () => read('02 02 00 01').integer],
    ['an empty integer', () => read('02 00').integer],
    ['a boolean of 1', () => read('01 01 01').boolean],
    ['an unfinished object identifier', () => read('06 02 2a 80').objectIdentifier],
    ['a padded object identifier', () => read('06 03 2a 80 01').objectIdentifier],
    ['a text that is not UTF-8', () => read('0c 01 ff').text],
    [
      'the 30th of February',
      () => readDer(Buffer.concat([Buffer.of(0x18, 15), Buffer.from('20260230000000Z')])).time,
    ],
    ['another tag', () => read('04 00').sequence],
  ])('refuses %s', (_name, use) => {
    expect(use).toThrow(DerError);
  });

  it('refuses values that are nested more than 60 deep, without a stack overflow', () => {
    let deep: Buffer = sequence();
    for (let n = 0; n < 5000; n++) deep = sequence(deep);
    const descend = () => {
      for (let value = readDer(deep); ; ) value = value.member(0);
    };
    expect(descend).toThrow(/60 deep/);
  });

  it('writes times without a fraction', () => {
    expect(generalizedTime(new Date('2026-01-01T00:00:00.987Z')).subarray(2).toString()).toBe(
      '20260101000000Z',
    );
  });
});

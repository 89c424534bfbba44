import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseChallenge, formatChallenge, parseChallenges } from './challenge.ts';

const plain = (header: string): unknown => JSON.parse(JSON.stringify(parseChallenges(header)));

describe('parseChallenges', () => {
  it('reads quoted values with commas and escaped quotes', () => {
    expect(
      plain(
        'Bearer realm="https://auth.example/token",service="a \\"b\\", c",scope="repository:x/y:pull,push"',
      ),
    ).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'a "b", c',
          scope: 'repository:x/y:pull,push',
        },
      },
    ]);
  });

  it('reads several challenges of one header, bare values and names in any case', () => {
    expect(
      plain('Negotiate, BASIC Realm=plain, charset="UTF-8", Bearer REALM = https://a.example/t , service=x'),
    ).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'plain', charset: 'UTF-8' } },
      { scheme: 'bearer', parameters: { realm: 'https://a.example/t', service: 'x' } },
    ]);
  });

  it('skips credentials in the place of parameters', () => {
    expect(plain('Negotiate YWJjZA==, Basic realm="x"')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x' } },
    ]);
  });

  it('takes the first of two values', () => {
    expect(plain('Bearer realm="https://good.example",realm="https://bad.example"')).toEqual([
      { scheme: 'bearer', parameters: { realm: 'https://good.example' } },
    ]);
  });

  it.each([
    '',
    ',,,',
    '"',
    'Bearer realm="never closed',
    '=',
    '\u0000\u0001',
    'Bearer realm=, ,=x',
    '"a" Bearer',
  ])('finds no way to log in at another place in %j', header => {
    expect(chooseChallenge(parseChallenges(header))?.parameters['realm'] ?? '').not.toMatch(/^https?:/);
  });

  it('gives back what was printed', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,9}$/);
    const value = fc.string({ maxLength: 40 }).filter(text => !/[\r\n\u2028\u2029]/.test(text));
    const challenge = fc.record({
      scheme: name,
      parameters: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }),
    });
    fc.assert(
      fc.property(fc.array(challenge, { minLength: 1, maxLength: 3 }), challenges => {
        const sane = challenges.map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } }));
        expect(plain(sane.map(formatChallenge).join(', '))).toEqual(sane);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it('never throws and never takes long, whatever the header is', () => {
    const piece = fc.constantFrom(
      'Bearer',
      'Basic',
      ' ',
      ',',
      '=',
      '"',
      '\\',
      'realm',
      'x',
      '\t',
      '\u00e9',
      'a=b',
      '"c,d"',
    );
    const junk = fc.oneof(
      fc.string({ maxLength: 300, unit: 'binary' }),
      fc.array(piece, { maxLength: 300 }).map(parts => parts.join('')),
    );
    fc.assert(
      fc.property(junk, header => void chooseChallenge(parseChallenges(header))),
      { seed: 11, numRuns: 5000 },
    );
    const start = performance.now();
    for (const hostile of [
      ' '.repeat(1e6),
      '"'.repeat(1e6),
      'a="'.repeat(1e5),
      'a '.repeat(1e5),
      '\\"'.repeat(1e5),
      'a="\\'.repeat(1e5),
    ])
      parseChallenges(hostile);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('chooseChallenge', () => {
  it('prefers a token service to the password, and needs its address', () => {
    expect(
      chooseChallenge(parseChallenges('Basic realm="x", Bearer realm="https://a.example"'))?.scheme,
    ).toBe('bearer');
    expect(chooseChallenge(parseChallenges('Bearer service="x", Basic realm="x"'))?.scheme).toBe('basic');
    expect(chooseChallenge(parseChallenges('Negotiate'))).toBeUndefined();
  });
});

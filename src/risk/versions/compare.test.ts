import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, type VersionScheme, versionSchemes } from './compare.ts';

/** Each line is in ascending order; `=` joins what is equal. */
const orders: Record<VersionScheme, readonly string[]> = {
  deb: [
    '1.0~rc1-1 < 1.0~rc1-1ubuntu1 < 1.0-1 = 0:1.0-1 < 1.0-1.1 < 1.0a-1 < 1.0+b1-1 < 1.1 < 1:0.5',
    '1.0~~ < 1.0~~a < 1.0~ < 1.0 = 1.0-0 = 1.00 < 1.0-1~bpo < 1.0-1',
    '2.9.14+dfsg-1.3~deb12u1 < 2.9.14+dfsg-1.3 < 2.10',
    '99999999999999999998 < 99999999999999999999',
  ],
  rpm: [
    '1.0~rc1 < 1.0 < 1.0^git1 < 1.0a < 1.0.1',
    '1.0-1.el8 < 1.0-1.el9 < 1.0-2.el8 < 1:0.9-1',
    '1.a < 1.1 = 1.01 < 1.10 = 1_10',
    '1.0^ < 1.0^1 < 1.0.1^0',
    'a < b < 1',
  ],
  apk: [
    '1.0_alpha < 1.0_alpha1 < 1.0_beta < 1.0_rc1 < 1.0 < 1.0-r0 < 1.0-r1 < 1.0_cvs < 1.0_p < 1.0_p1 < 1.0a < 1.0.1',
    '1.2.3_alpha4-r1 < 1.2.3 < 1.2.3-r1 < 1.2.10 < 1.10.1 < 2',
    '1.01 < 1.1 < 1.10',
    '3.0.11-r2 < 3.0.15-r0',
  ],
  semver: [
    '1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0',
    '1 = v1.0 = 1.0.0+build < 1.0.1-0 < 1.0.1 < 1.0.10',
  ],
  go: [
    'v0.0.0-20230101000000-abcdefabcdef < v0.1.0 < v1.0.0 = v1.0.0+incompatible < v1.2.0',
    'go1.20 = 1.20.0 < go1.21rc1 < go1.21 < go1.21.1',
  ],
  pep440: [
    'nonsense < 1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0b2 < 1.0rc1 = 1.0c1 = 1.0-preview-1 < 1.0 = 1 = v1.0.0 < 1.0+abc < 1.0+5 < 1.0.post1.dev1 < 1.0.post1 = 1.0-1 = 1.0.rev1 < 1.1 < 1!0.1',
    '2011k < 2012',
    '1.0+ubuntu.1 < 1.0+ubuntu.2 < 1.0+ubuntu.10',
  ],
  maven: [
    '1-alpha2snapshot < 1-alpha2 = 1-a2 < 1-alpha-123 < 1-beta-2 < 1-beta123 < 1-m2 = 1-milestone-2 < 1-rc = 1-cr < 1-snapshot < 1 = 1.0 = 1-ga = 1.0-final < 1-sp < 1-abc < 1-1-snapshot < 1-1 < 1-2 < 1.1',
    '2.0.1 < 2.0.1-xyz < 2.0.1-123 < 2.0.10',
    '1.x < 1-1',
  ],
  gem: [
    '1.0.a < 1.0.a.2 < 1.0.b1 < 1.0.rc1 < 1.0 = 1.0.0 = 1 < 1.0.1 < 1.1.a < 1.1 < 1.10',
    '1.0-x = 1.0.pre.x < 1.0',
  ],
};

describe.each(versionSchemes)('%s versions', scheme => {
  it.each(orders[scheme])('are ordered %s', line => {
    const groups = line.split(' < ').map(group => group.split(' = '));
    const flat = groups.flatMap((group, rank) => group.map(version => ({ version, rank })));
    for (const a of flat) {
      for (const b of flat) {
        const actual = Math.sign(compareVersions(scheme, a.version, b.version));
        expect(actual, `${a.version} against ${b.version}`).toBe(Math.sign(a.rank - b.rank));
      }
    }
  });

  const piece = fc.constantFrom(
    '0',
    '1',
    '2',
    '10',
    '01',
    'a',
    'b',
    'rc',
    'alpha',
    'beta',
    'x',
    'dev',
    'post',
    'sp',
    '.',
    '.',
    '-',
    '_',
    '~',
    '^',
    '+',
    ':',
    '!',
    'p',
    '-r1',
    '_p1',
  );
  const anything = fc.array(piece, { maxLength: 7 }).map(pieces => pieces.join(''));
  // Maven itself has circles among texts such as "0b0", "" and "post"; among versions that exist it has none.
  const word = fc.constantFrom(
    '',
    '-alpha',
    '-beta-2',
    '-m1',
    '-rc1',
    '-snapshot',
    '-ga',
    '-sp',
    '-jre',
    '.final',
    '-1',
  );
  const maven = fc
    .tuple(fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 3 }), word)
    .map(([core, end]) => core.join('.') + end);
  const version = scheme === 'maven' ? maven : anything;

  it('are compared as an order: total, antisymmetric and transitive, whatever the text', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const compare = (x: string, y: string) => Math.sign(compareVersions(scheme, x, y));
        expect(compare(a, a)).toBe(0);
        expect(compare(a, b)).toBe(compare(b, a) === 0 ? 0 : -compare(b, a));
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
      { seed: 11, numRuns: 3000 },
    );
  });

  it('are compared in little time, however long and strange', () => {
    const start = performance.now();
    for (const text of [
      '1'.repeat(100_000),
      '1.'.repeat(50_000),
      'a-'.repeat(50_000),
      '~'.repeat(100_000),
      '_p1'.repeat(30_000),
    ]) {
      compareVersions(scheme, text, `${text}1`);
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPackageUrl, packageUrlOf, parsePackageUrl } from './package-url.ts';

describe('package URLs', () => {
  it.each([
    [
      { type: 'deb', name: 'libstdc++6', version: '1:12~rc1+b1', arch: 'amd64' },
      'pkg:deb/debian/libstdc%2B%2B6@1:12~rc1%2Bb1?arch=amd64&distro=debian-12',
    ],
    [{ type: 'rpm', name: 'a', version: '3:1-2' }, 'pkg:rpm/debian/a@1-2?distro=debian-12&epoch=3'],
    [{ type: 'npm', namespace: '@babel', name: 'core', version: '7.0.0' }, 'pkg:npm/%40babel/core@7.0.0'],
    [
      { type: 'golang', namespace: 'github.com/a', name: 'b', version: 'v1.0.0+incompatible' },
      'pkg:golang/github.com/a/b@v1.0.0%2Bincompatible',
    ],
    [{ type: 'maven', namespace: 'org.a', name: 'b', version: '1' }, 'pkg:maven/org.a/b@1'],
  ] as const)('writes %j', (found, url) => {
    expect(packageUrlOf(found, { id: 'debian', versionId: '12' })).toBe(url);
  });

  it.each(['', 'pkg:', 'pkg:npm', 'pkg:npm/', 'npm/a', 'pkg:npm/%zz', 'pkg:npm/a?b=%'])(
    'refuses "%s"',
    text => {
      expect(parsePackageUrl(text)).toBeUndefined();
    },
  );

  it('takes a scope that somebody forgot to encode', () => {
    expect(parsePackageUrl('pkg:npm/@a/b@1')).toMatchObject({ namespace: '@a', name: 'b', version: '1' });
    expect(parsePackageUrl('pkg:npm/@a/b')).toMatchObject({ namespace: '@a', name: 'b' });
  });

  it('reads what it writes', () => {
    const word = fc
      .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
      .filter(text => !text.includes('/'));
    fc.assert(
      fc.property(word, word, word, word, (namespace, name, version, arch) => {
        const url = { type: 'deb', namespace, name, version, qualifiers: new Map([['arch', arch]]) };
        expect(parsePackageUrl(formatPackageUrl(url))).toEqual(url);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

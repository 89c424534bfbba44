import { describe, expect, it } from 'vitest';
import { imageOf, indexOf } from '../../../test/images.ts';
import { formatPlatform, type Platform } from '../../model/descriptor.ts';
import { parseContent } from './content.ts';
import { findPlatform, matchesPlatform, parsePlatform, platformsOf, suggestPlatform } from './platform.ts';

function parse(text: string): Platform {
  const parsed = parsePlatform(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

describe('half of a platform', () => {
  it.each([
    ['arm64', 'linux/arm64'],
    ['aarch64', 'linux/arm64'],
    ['linux', 'linux/amd64'],
    ['arm/v7', 'linux/arm/v7'],
    ['armhf', 'linux/arm/v7'],
  ])('%s makes us ask whether %s is meant', (text, meant) => {
    // Without an operating system "arm/v7" reads as one, so only the others are refused.
    expect(suggestPlatform(text)).toBe(meant);
    if (text !== 'arm/v7')
      expect(parsePlatform(text)).toMatchObject({ problem: expect.stringContaining(meant) });
  });

  it('that nobody knows gets none', () => {
    expect(suggestPlatform('windows95')).toBeUndefined();
  });
});

describe('a platform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['Linux/X86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['windows/amd64', 'windows/amd64'],
  ])('%s is %s', (text, printed) => {
    expect(formatPlatform(parse(text))).toBe(printed);
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'a/b/c/d', 'linux/amd 64', 'linux/constructor/'])(
    '%j is none',
    text => {
      expect(() => parse(text)).toThrow('is not a platform');
    },
  );

  it.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64/v9', 'linux/arm64', false],
    ['linux/arm', 'linux/arm/v6', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/amd64', 'windows/amd64', false],
  ])('wanted as %s fits %s: %s', (wanted, offered, fits) => {
    expect(matchesPlatform(parse(wanted), parse(offered))).toBe(fits);
  });

  it('is found in an index, the exact variant first, and never in an attestation', () => {
    const of = (
      word: string,
      text: string,
    ): { manifest: ReturnType<typeof imageOf>['manifest']; platform: Platform } => ({
      manifest: imageOf(word).manifest,
      platform: parse(text),
    });
    const index = parseContent(
      indexOf([of('v6', 'linux/arm/v6'), of('v7', 'linux/arm/v7'), of('attestation', 'unknown/unknown')]),
    );
    if (index.kind !== 'index') throw new Error('no index');
    expect(platformsOf(index.manifests)).toEqual(['linux/arm/v6', 'linux/arm/v7']);
    expect(findPlatform(index.manifests, parse('linux/arm/v7'))?.digest).toBe(
      imageOf('v7').manifest.descriptor.digest,
    );
    expect(findPlatform(index.manifests, parse('linux/arm'))?.digest).toBe(
      imageOf('v6').manifest.descriptor.digest,
    );
    expect(findPlatform(index.manifests, parse('unknown/unknown'))).toBeUndefined();
  });
});

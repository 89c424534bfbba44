import { describe, expect, it } from 'vitest';
import { imageOf, indexOf } from '../../../test/images.ts';
import { type Descriptor, formatPlatform, mediaTypes, type Platform } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';
import { parseContent } from './content.ts';
import {
  findPlatform,
  imagesOf,
  matchesPlatform,
  parsePlatform,
  platformsOf,
  suggestPlatform,
} from './platform.ts';

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

describe('the images of an index', () => {
  const hex = (character: string): Digest => `sha256:${character.repeat(64)}`;
  const linux = { os: 'linux', architecture: 'amd64' };
  const unknown = { os: 'unknown', architecture: 'unknown' };
  const mark = { 'vnd.docker.reference.type': 'attestation-manifest' };
  const entry = (digest: Digest, more: Partial<Descriptor> = {}): Descriptor => ({
    mediaType: mediaTypes.manifest,
    digest,
    size: 1,
    ...more,
  });

  it('are all but the attestations of BuildKit', () => {
    const image = entry(hex('a'), { platform: linux });
    expect(imagesOf([image, entry(hex('b'), { platform: unknown, annotations: mark })])).toEqual([image]);
  });

  it.each<[string, Partial<Descriptor>]>([
    ['with a platform that is run, whatever it is marked as', { platform: linux, annotations: mark }],
    ['without a platform, although it is marked as an attestation', { annotations: mark }],
    ['without a platform', {}],
    ['with an unknown platform and no mark', { platform: unknown }],
  ])('count one %s', (_what, more) => {
    expect(imagesOf([entry(hex('a'), more)])).toHaveLength(1);
  });

  it('count what is listed twice once', () => {
    expect(imagesOf([entry(hex('a')), entry(hex('a'))])).toHaveLength(1);
  });

  it('are not told when one is an index itself', () => {
    expect(() => imagesOf([entry(hex('a'), { mediaType: mediaTypes.index })])).toThrow(/index in an index/);
  });
});

import { Fault } from '../../ground/fault/fault.ts';
import { type Descriptor, formatPlatform, isIndexType, type Platform } from '../../model/descriptor.ts';
import type { Parsed } from '../../model/parsed.ts';

const architectures: Readonly<Record<string, Pick<Platform, 'architecture' | 'variant'>>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
};

/** Reads `linux/arm64/v8`; names that other tools use for architectures are understood. */
export function parsePlatform(text: string): Parsed<Platform> {
  const [os = '', architecture = '', variant, ...rest] = text.toLowerCase().split('/');
  const isLegal = [os, architecture, variant ?? 'v1'].every(part => /^[a-z0-9_.-]{1,32}$/.test(part));
  if (!isLegal || rest.length > 0) {
    const hint = suggestPlatform(text);
    return {
      problem: `"${text}" is not a platform; ${hint === undefined ? 'write it as linux/amd64 or linux/arm/v7' : `did you mean ${hint}?`}`,
    };
  }
  return {
    value: { os, architecture, ...architectures[architecture], ...(variant !== undefined && { variant }) },
  };
}

const commonArchitectures = ['amd64', 'arm64', 'arm', '386', 'ppc64le', 's390x', 'riscv64', 'loong64'];

/** Most people who leave out half of a platform mean Linux, and have said which half they mean. */
export function suggestPlatform(text: string): string | undefined {
  const [first = '', second] = text.toLowerCase().split('/');
  if (first === 'linux' && !second) return 'linux/amd64';
  const known = architectures[first] ?? { architecture: first };
  if (!commonArchitectures.includes(known.architecture)) return undefined;
  const variant = second !== undefined && /^v\d$/.test(second) ? second : known.variant;
  return formatPlatform({ os: 'linux', ...known, ...(variant !== undefined && { variant }) });
}

/** Without a variant any will do, and arm64 and arm64/v8 are one thing. */
export function matchesPlatform(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  const defaults: Record<string, string> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };
  const variantOf = (platform: Platform): string | undefined =>
    platform.variant ?? defaults[platform.architecture];
  return wanted.variant === undefined || variantOf(wanted) === variantOf(offered);
}

function isUnknown({ platform }: Descriptor): boolean {
  return platform?.os === 'unknown' && platform.architecture === 'unknown';
}

/** BuildKit keeps attestations among the images of an index. One that names a real platform would be run, mark or not. */
function isAttestation(entry: Descriptor): boolean {
  return entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' && isUnknown(entry);
}

/** The platform of an index entry that says for what it is. */
export function imagePlatform(entry: Descriptor): Platform | undefined {
  return isUnknown(entry) ? undefined : entry.platform;
}

/**
 * The images of an index: what is signed, scanned and judged. An entry without a platform can be run too, so it must
 * not slip through. An index in an index is refused, because nobody looked at what is in it.
 */
export function imagesOf(entries: readonly Descriptor[]): readonly Descriptor[] {
  const images = new Map<string, Descriptor>();
  for (const entry of entries) {
    if (isAttestation(entry) || images.has(entry.digest)) continue;
    if (isIndexType(entry.mediaType)) {
      throw new Fault('UNSUPPORTED', {
        what: 'An index in an index cannot be signed, scanned or judged with its parts.',
        where: entry.digest,
        next: 'name the inner index by its digest',
      });
    }
    images.set(entry.digest, entry);
  }
  return [...images.values()];
}

/** The entry of an index for a platform: an exact variant before any other. */
export function findPlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = manifests.filter(entry => {
    const platform = imagePlatform(entry);
    return platform !== undefined && matchesPlatform(wanted, platform);
  });
  const exact = fitting.find(
    ({ platform }) => platform !== undefined && formatPlatform(platform) === formatPlatform(wanted),
  );
  return exact ?? fitting[0];
}

export function platformsOf(manifests: readonly Descriptor[]): readonly string[] {
  return manifests.flatMap(entry => {
    const platform = imagePlatform(entry);
    return platform === undefined ? [] : [formatPlatform(platform)];
  });
}

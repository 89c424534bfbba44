import { fallbackTag } from '../../../image/oci/referrer-index.ts';
import type { Digest } from '../../../model/digest.ts';

export type LegacySuffix = 'sig' | 'att' | 'sbom';

/** Where cosign 2 keeps evidence about a digest: `sha256-<hex>.sig`. */
export function legacyTag(digest: Digest, suffix: LegacySuffix): string {
  return `${fallbackTag(digest)}.${suffix}`;
}

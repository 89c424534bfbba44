import { type CopyEvent, type CopyResult, copyImage as copyContent } from '../image/oci/copy/copy.ts';
import { formatLocation, type Location } from '../image/oci/location.ts';
import { type Opened, open, registriesOf, toLocation } from '../image/oci/open.ts';
import { type Digest, isDigest } from '../model/digest.ts';
import { isTag } from '../model/image-reference.ts';
import { openCopyGate } from './evidence/copy-gate.ts';
import { openJudge, type TrustChoice } from './evidence/open-judge.ts';
import type { Requirements } from './evidence/requirements.ts';
import { type ReachOptions, reachRegistries, toPlatform } from './reach-registries.ts';

export type { CopyEvent } from '../image/oci/copy/copy.ts';

export interface CopyImageOptions extends ReachOptions {
  readonly source: string;
  readonly target: string;
  /** `linux/arm64`; without it all platforms. */
  readonly platform?: string;
  /** Signatures, attestations and whatever else refers to the image come along, unless this is false. */
  readonly evidence?: boolean;
  /** Verify at the source before anything is copied, and at the target before a tag is set. */
  readonly verify?: CopyCheck;
  readonly onProgress?: (event: CopyEvent) => void;
}

export interface CopyCheck extends TrustChoice {
  readonly recursive?: boolean;
  readonly predicateTypes?: readonly string[];
  readonly onWarning?: (text: string) => void;
}

export interface CopiedImage extends CopyResult {
  readonly source: string;
  readonly target: string;
  /** How many items of evidence were accepted at both ends; absent when nobody asked. */
  readonly verified?: number;
}

/** Copies an image from anywhere to anywhere that can be written, with its evidence, and never changes a digest. */
export async function copyImage(o: CopyImageOptions): Promise<CopiedImage> {
  const platform = o.platform === undefined ? undefined : toPlatform(o.platform);
  const [source, target] = [toLocation(o.source), toLocation(o.target)];
  const judge = o.verify === undefined ? undefined : await openJudge({ ...o.verify, env: o.env });
  for (const warning of judge?.warnings ?? []) o.verify?.onWarning?.(warning);
  return await reachRegistries(o, [...registriesOf(source), ...registriesOf(target)], async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const from = await open(source, access, call);
    const to = await open(target, access, { ...call, to: 'write' });
    const gate =
      judge === undefined
        ? undefined
        : openCopyGate({ from, to }, judge, requirementsOf(o.verify), {
            ...call,
            ...(o.verify?.recursive !== undefined && { recursive: o.verify.recursive }),
          });
    const result = await copyContent({
      from: from.registry,
      reference: from.reference,
      to: to.registry,
      tags: targetTags(target, from),
      ...expectedDigest(target),
      ...(platform !== undefined && { platform }),
      ...(o.evidence !== undefined && { evidence: o.evidence }),
      ...(gate !== undefined && { gate }),
      ...(o.onProgress !== undefined && { onProgress: o.onProgress }),
      ...call,
    });
    return {
      ...result,
      source: formatLocation(from.location),
      target: formatLocation(target),
      ...(gate !== undefined && { verified: gate.accepted() }),
    };
  });
}

function requirementsOf(check: CopyCheck | undefined): Requirements {
  return { signature: true, predicateTypes: check?.predicateTypes ?? [], threshold: 1 };
}

/** The target's own tag; without one, that of the source; an image named by digest alone stays without. */
function targetTags(target: Location, from: Opened): readonly string[] {
  const wanted = target.kind === 'registry' ? target.reference : target;
  if (wanted.tag !== undefined) return [wanted.tag];
  if (wanted.digest !== undefined) return [];
  const { tag, digest } = from.location.kind === 'registry' ? from.location.reference : from.location;
  // A saved image is named by a whole reference, of which the tag is the end.
  const name = tag?.slice(tag.lastIndexOf(':') + 1) ?? from.reference;
  if (!isDigest(name) && isTag(name)) return [name];
  return digest === undefined ? ['latest'] : [];
}

/** A target that names a digest takes that image and no other. */
function expectedDigest(target: Location): { expected?: Digest } {
  const { digest } = target.kind === 'registry' ? target.reference : target;
  return digest === undefined ? {} : { expected: digest };
}

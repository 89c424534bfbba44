import { Fault } from '../../ground/fault/fault.ts';
import type { CopyGate } from '../../image/oci/copy/copy.ts';
import type { Location } from '../../image/oci/location.ts';
import type { Manifest, Registry } from '../../image/oci/registry.ts';
import type { EvidenceItem } from '../../model/evidence.ts';
import { describeSigner } from '../../model/identity.ts';
import { judgeImage, type VerifiedImage } from './judge-image.ts';
import type { Judge } from './open-judge.ts';
import type { Requirements } from './requirements.ts';
import { describeImage } from './targets.ts';

interface Place {
  readonly registry: Registry;
  readonly location: Location;
}

/**
 * Judges an image before it is copied and again where it arrived: the target must accept whatever the source
 * accepted. Only then may a tag name it.
 */
export function openCopyGate(
  places: { readonly from: Place; readonly to: Place },
  judge: Judge,
  required: Requirements,
  o: { readonly signal?: AbortSignal; readonly recursive?: boolean },
): CopyGate & { readonly accepted: () => number } {
  let atSource = new Set<string>();
  const examine = async ({ registry, location }: Place, root: Manifest): Promise<VerifiedImage> => {
    const verified = await judgeImage(describeImage(registry, location, root, true), judge, required, o);
    refuseUnaccepted(verified, registry.place, o.recursive === true);
    return verified;
  };
  return {
    source: async root => {
      atSource = acceptedIn(await examine(places.from, root));
    },
    target: async root => {
      const atTarget = acceptedIn(await examine(places.to, root));
      const lost = [...atSource].filter(item => !atTarget.has(item));
      if (lost.length > 0) throw evidenceLost(places.to.registry.place, lost);
    },
    accepted: () => atSource.size,
  };
}

function acceptedIn({ targets }: VerifiedImage): Set<string> {
  return new Set(
    targets.flatMap(({ digest, items }) =>
      items.filter(item => item.verified).map(item => nameOf(digest, item)),
    ),
  );
}

/** Manifests of merged tags differ from place to place; what was signed, and by whom, does not. */
function nameOf(digest: string, item: EvidenceItem): string {
  const { store, kind, signer, payloadDigest, predicateType, log } = item;
  const who = signer === undefined ? '' : describeSigner(signer);
  const logged = log === undefined ? '' : `${log.logId} ${log.index}`;
  return [digest, store, kind, predicateType ?? '', payloadDigest ?? '', who, logged].join(' ');
}

function refuseUnaccepted({ targets, digest }: VerifiedImage, place: string, recursive: boolean): void {
  const bad = targets.slice(0, recursive ? undefined : 1).find(({ verdict }) => verdict !== 'accepted');
  if (bad === undefined) return;
  const reasons = bad.items.flatMap(item => item.reasons.map(({ message }) => message));
  throw new Fault('EVIDENCE_REJECTED', {
    what: `${place}@${bad.digest} does not have the evidence that is required; no tag was set`,
    where: `${place}@${digest}`,
    expected: bad.missing.map(({ what }) => what).join(', '),
    actual: [...new Set(reasons)].slice(0, 5).join('; ') || 'nothing was found',
    next: `cg verify ${place}@${bad.digest}, with the same flags, shows every item`,
  });
}

function evidenceLost(place: string, lost: readonly string[]): Fault {
  return new Fault('EVIDENCE_REJECTED', {
    what: `${place} does not show all evidence that was copied there; no tag was set`,
    where: place,
    expected: 'what the source has',
    actual: `missing: ${lost.slice(0, 3).join('; ')}`,
    next: 'run the copy again',
  });
}

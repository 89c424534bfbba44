import { Fault } from '../../../ground/fault/fault.ts';
import { matchesPredicateType, predicateTypes } from '../../../model/statement.ts';
import {
  type Attestation,
  acceptedAttestations,
  acceptedSignatures,
} from '../../../trust/policy/evidence/accept.ts';
import { latestScans } from '../../../trust/policy/evidence/scans.ts';
import type { ComponentEvidence } from '../../../trust/policy/gate-input.ts';
import type { Policy } from '../../../trust/policy/policy.ts';
import { type GateOptions, gateImages } from '../../gate-image.ts';
import type { PolicyPlace } from './deployed-images.ts';

/** What lies beside digests of one image, and by whom it is believed. */
export interface ImageEvidence {
  readonly policy: Policy;
  /** By digest with its repository. */
  readonly components: ReadonlyMap<string, ComponentEvidence>;
}

const signatureType = 'image-signature';

/** Everything is read once for each policy; whoever asks for what could not be read is told why. */
export async function readEvidence(
  refs: readonly string[],
  place: PolicyPlace,
  o: GateOptions,
): Promise<ImageEvidence> {
  const { policy: _policy, promotion: _promotion, ...rest } = o;
  const { policy, input } = await gateImages({
    ...rest,
    ...place,
    targets: refs.map(ref => ({ name: ref, image: ref })),
    keepInput: true,
  });
  const found = (input?.components ?? []).filter(({ name }) => refs.includes(name));
  for (const { problem, reference } of found) {
    if (problem === undefined) continue;
    throw new Fault(problem.kind === 'untrusted' ? 'EVIDENCE_UNREADABLE' : 'NETWORK', {
      what:
        problem.kind === 'absent' ? 'the registry does not have it any more' : 'its evidence cannot be read',
      where: reference,
      actual: problem.message,
    });
  }
  return { policy, components: new Map(found.map(component => [component.name, component])) };
}

/** Somebody signed it whom the policy believes. */
export function requireSignature(ref: string, { policy, components }: ImageEvidence): void {
  const items = components.get(ref)?.items ?? [];
  if (acceptedSignatures(items, policy, believedFor(signatureType, policy)).length > 0) return;
  throw new Fault('EVIDENCE_INVALID', {
    what: 'nobody whom the policy believes signed it',
    where: ref,
    next: `cg verify ${ref}`,
  });
}

/** The newest list of what is in it, by somebody whom the policy believes. */
export function requireSbom(ref: string, { policy, components }: ImageEvidence): object {
  const items = components.get(ref)?.items ?? [];
  const [newest] = sbomTypes.flatMap(type =>
    acceptedAttestations(items, policy, believedFor(type, policy))
      .filter(({ statement }) => matchesPredicateType(statement.predicateType, type))
      .toSorted((one, other) => (signedAt(one) > signedAt(other) ? -1 : 1))
      .slice(0, 1),
  );
  const predicate = newest?.statement.predicate;
  if (typeof predicate === 'object' && predicate !== null) return predicate;
  throw new Fault('EVIDENCE_INVALID', {
    what: 'it has no SBOM by anybody whom the policy believes',
    where: ref,
    expected: 'a signed SPDX or CycloneDX statement',
    next: 'the same command without --from-sbom, which reads the image itself',
  });
}

const sbomTypes = [predicateTypes.spdx, predicateTypes.cyclonedx];

/** What was known when it was proven: `CVE package version`. */
export function attestedFindings(ref: string, { policy, components }: ImageEvidence): ReadonlySet<string> {
  const items = components.get(ref)?.items ?? [];
  const scans = latestScans(acceptedAttestations(items, policy, believedFor(predicateTypes.vuln, policy)));
  return new Set(
    scans.flatMap(({ findings }) =>
      findings.map(finding => `${finding.id} ${finding.package ?? ''} ${finding.version ?? ''}`),
    ),
  );
}

function believedFor(type: string, { requirements }: Policy): Policy['identities'] | undefined {
  return requirements.find(requirement => requirement.type === type)?.by;
}

function signedAt({ times }: Attestation): string {
  return (
    times
      .map(({ at }) => at)
      .toSorted()
      .at(-1) ?? ''
  );
}

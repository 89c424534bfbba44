import type { ClusterObject } from '../../model/cluster-object.ts';
import {
  type AdmissionDemand,
  type Believed,
  cosignIdentity,
  type DemandedAttestation,
  groupByIdentities,
  repositoryGlobs,
} from './demand.ts';

const publicServices = { fulcio: 'https://fulcio.sigstore.dev', log: 'https://rekor.sigstore.dev' };

/** Sigstore's ClusterImagePolicy, in warn; one authority for the signature, one for the attestations of each group of makers. */
export function clusterImagePolicy(demand: AdmissionDemand): ClusterObject {
  const { name, repositories, identities } = demand;
  const makers = groupByIdentities(demand).filter(({ attestations }) => attestations.length > 0);
  const ctlog = { url: publicServices.log };
  const matches = [
    '"ci-signature": {signatures: [...]}',
    ...makers.map(group => {
      const inner = group.attestations.map(one => `${JSON.stringify(one.name)}: [...]`).join(', ');
      return `${JSON.stringify(authorityOf(group))}: {attestations: {${inner}}}`;
    }),
  ];
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      mode: 'warn',
      images: repositories.flatMap(repositoryGlobs).map(glob => ({ glob })),
      authorities: [
        { name: 'ci-signature', keyless: keylessOf(identities), ctlog },
        ...makers.map(group => ({
          name: authorityOf(group),
          // One authority cannot read both forms; this is what cosign 3 and we write.
          signatureFormat: 'bundle',
          keyless: keylessOf(group.identities),
          ctlog,
          attestations: group.attestations.map(toAttestation),
        })),
      ],
      policy: { type: 'cue', data: `authorityMatches: {${matches.join(', ')}}` },
    },
  };
}

function authorityOf({ name }: Believed): string {
  return `${name ?? 'ci'}-attestations`;
}

function keylessOf(identities: AdmissionDemand['identities']): ClusterObject {
  return { url: publicServices.fulcio, identities: identities.map(cosignIdentity) };
}

function toAttestation({ name, type, maxAgeHours }: DemandedAttestation): ClusterObject {
  return {
    name,
    predicateType: type,
    policy:
      maxAgeHours === undefined
        ? { type: 'cue', data: `predicateType: ${JSON.stringify(type)}` }
        : { type: 'rego', data: freshnessRule(maxAgeHours) },
  };
}

function freshnessRule(hours: number): string {
  return [
    'package sigstore',
    'default isCompliant = false',
    'isCompliant {',
    `  time.now_ns() - time.parse_rfc3339_ns(input.predicate.metadata.scanFinishedOn) < ${hours} * 3600 * 1000000000`,
    '}',
    '',
  ].join('\n');
}

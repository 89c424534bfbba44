import type { ClusterObject } from '../../model/cluster-object.ts';
import { type AdmissionDemand, cosignIdentity, repositoryGlobs } from './demand.ts';

const publicServices = { fulcio: 'https://fulcio.sigstore.dev', log: 'https://rekor.sigstore.dev' };

/** Sigstore's ClusterImagePolicy, in warn; one authority for the signature, one for the attestations. */
export function clusterImagePolicy(demand: AdmissionDemand): ClusterObject {
  const { name, repositories, identities, attestations } = demand;
  const keyless = { url: publicServices.fulcio, identities: identities.map(cosignIdentity) };
  const ctlog = { url: publicServices.log };
  const matches = attestations.map(one => `${JSON.stringify(one.name)}: [...]`).join(', ');
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: {
      mode: 'warn',
      images: repositories.flatMap(repositoryGlobs).map(glob => ({ glob })),
      authorities: [
        { name: 'ci-signature', keyless, ctlog },
        ...(attestations.length === 0
          ? []
          : [
              {
                name: 'ci-attestations',
                // One authority cannot read both forms; this is what cosign 3 and we write.
                signatureFormat: 'bundle',
                keyless,
                ctlog,
                attestations: attestations.map(one => ({
                  name: one.name,
                  predicateType: one.type,
                  policy:
                    one.maxAgeHours === undefined
                      ? { type: 'cue', data: `predicateType: ${JSON.stringify(one.type)}` }
                      : { type: 'rego', data: freshnessRule(one.maxAgeHours) },
                })),
              },
            ]),
      ],
      policy: {
        type: 'cue',
        data: `authorityMatches: {"ci-signature": {signatures: [...]}${
          attestations.length === 0 ? '' : `, "ci-attestations": {attestations: {${matches}}}`
        }}`,
      },
    },
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

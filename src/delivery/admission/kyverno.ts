import type { ClusterObject } from '../../model/cluster-object.ts';
import {
  type AdmissionDemand,
  type Believed,
  cosignIdentity,
  groupByIdentities,
  repositoryGlobs,
} from './demand.ts';

/** A pod has three lists of images, and a rule for one of them is a rule for none. */
const lists = ['containers', 'initContainers', 'ephemeralContainers'] as const;
const publicLog = 'https://rekor.sigstore.dev';

/** Kyverno's ImageValidatingPolicy: signature and every attestation, for every list of images, in Audit. */
export function kyvernoPolicy(demand: AdmissionDemand): ClusterObject {
  const { name, repositories, attestations } = demand;
  const groups = groupByIdentities(demand);
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'ImageValidatingPolicy',
    metadata: { name },
    spec: {
      webhookConfiguration: { timeoutSeconds: 30 },
      failurePolicy: 'Fail',
      validationActions: ['Audit'],
      evaluation: { admission: { enabled: true }, background: { enabled: true } },
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            // Ephemeral containers never come with the pod itself.
            resources: ['pods', 'pods/ephemeralcontainers'],
          },
        ],
      },
      matchImageReferences: repositories.flatMap(repositoryGlobs).map(glob => ({ glob })),
      validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
      attestors: groups.map(group => ({
        name: attestorOf(group),
        cosign: {
          keyless: { identities: group.identities.map(cosignIdentity) },
          ctlog: { url: publicLog },
        },
      })),
      ...(attestations.length > 0 && {
        attestations: attestations.map(one => ({ name: one.name, intoto: { type: one.type } })),
      }),
      validations: lists.flatMap(list => [
        {
          expression: `images.${list}.map(i, verifyImageSignatures(i, [attestors.ci])).all(e, e > 0)`,
          message: 'not signed by the expected identity',
        },
        ...groups.flatMap(group =>
          group.attestations.flatMap(one => [
            {
              expression: `images.${list}.map(i, verifyAttestationSignatures(i, attestations.${one.name}, [attestors.${attestorOf(group)}])).all(e, e > 0)`,
              message: `no ${one.name} attestation of the expected identity`,
            },
            ...(one.maxAgeHours === undefined ? [] : [freshness(list, one.name, one.maxAgeHours)]),
          ]),
        ),
      ]),
    },
  };
}

function attestorOf({ name }: Believed): string {
  return name === undefined ? 'ci' : `${name}Makers`;
}

function freshness(list: string, name: string, hours: number): ClusterObject {
  return {
    expression: `images.${list}.map(i, time.now() - timestamp(extractPayload(i, attestations.${name}).predicate.metadata.scanFinishedOn) < duration('${hours}h')).all(e, e)`,
    message: `the ${name} attestation is older than ${hours} hours`,
  };
}

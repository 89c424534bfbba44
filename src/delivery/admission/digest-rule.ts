import type { ClusterObject } from '../../model/cluster-object.ts';

export const enforceLabel = 'cascadeguard.dev/enforce';
const pinned = "c.image.matches('^[^@]+@sha256:[a-f0-9]{64}$')";

/** Every container by digest: what Kubernetes itself can ask since 1.30, without any product. */
export function digestRule(name: string): readonly ClusterObject[] {
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['pods', 'pods/ephemeralcontainers'],
            },
          ],
        },
        variables: [
          {
            name: 'all',
            expression:
              'object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : []) + (has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : [])',
          },
        ],
        validations: [
          {
            expression: `variables.all.all(c, ${pinned})`,
            messageExpression: `'images must be pinned by digest: ' + variables.all.filter(c, !${pinned}).map(c, c.image).join(', ')`,
            reason: 'Invalid',
          },
        ],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: {
        policyName: name,
        // Deny and Warn together are refused by Kubernetes: first look, then deny.
        validationActions: ['Audit', 'Warn'],
        matchResources: { namespaceSelector: { matchLabels: { [enforceLabel]: 'true' } } },
      },
    },
  ];
}

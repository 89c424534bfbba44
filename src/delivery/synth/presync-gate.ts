import type { ClusterObject } from '../../model/cluster-object.ts';
import type { DeliveryEnvironment, DeliveryPlan } from './plan.ts';
import { findImagePlaces, gateJob, gatePolicy } from './workload-images.ts';

const hook = {
  'argocd.argoproj.io/hook': 'PreSync',
  'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
};
const folder = '/gate';

/** What a deny, a mistake and what cannot be trusted end with: trying again changes nothing. 3 is tried again. */
export const finalExitCodes = [1, 2, 4];

export const hardened = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
export const unprivileged = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
};
export const modest = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };

/** The gate of one environment as a component of its overlay: file by file, each a list of objects. */
export function presyncGate(
  plan: DeliveryPlan,
  environment: DeliveryEnvironment,
): ReadonlyMap<string, readonly object[]> {
  const places = findImagePlaces(environment.workloads);
  return new Map([
    [
      'kustomization.yaml',
      [
        {
          apiVersion: 'kustomize.config.k8s.io/v1alpha1',
          kind: 'Component',
          resources: ['policy.yaml', 'presync.yaml'],
        },
      ],
    ],
    [
      'policy.yaml',
      [
        policyMap(environment, {
          name: gatePolicy,
          annotations: { ...hook, 'argocd.argoproj.io/sync-wave': '-101' },
        }),
      ],
    ],
    ['presync.yaml', [presyncJob(plan, environment, places.length)]],
    // Not in the component: there they would run before the digests are set.
    ['replacements.yaml', [places.map(replacement)]],
  ]);
}

/** The files that a Job judges by. */
export function policyMap({ policy }: Pick<DeliveryEnvironment, 'policy'>, metadata: object): ClusterObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: Object.fromEntries(policy.files) };
}

export function policyArguments({
  policy: { flag, files },
}: Pick<DeliveryEnvironment, 'policy'>): readonly string[] {
  return [`--${flag}`, `${folder}/${[...files.keys()][0] ?? ''}`];
}

/** Read-only everywhere but in /tmp. */
export function policyVolumes(configMap: string): {
  volumeMounts: readonly object[];
  volumes: readonly object[];
} {
  return {
    volumeMounts: [
      { name: 'policy', mountPath: folder, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    volumes: [
      { name: 'policy', configMap: { name: configMap } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}

function presyncJob(plan: DeliveryPlan, environment: DeliveryEnvironment, images: number): ClusterObject {
  const { volumeMounts, volumes } = policyVolumes(gatePolicy);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: gateJob, annotations: { ...hook, 'argocd.argoproj.io/sync-wave': '-100' } },
    spec: {
      backoffLimit: 3,
      activeDeadlineSeconds: 600,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: 'gate', operator: 'In', values: finalExitCodes },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: unprivileged,
          containers: [
            {
              name: 'gate',
              image: plan.gateImage,
              args: ['presync', '--env', environment.name, ...policyArguments(environment)],
              env: [
                ...Array.from({ length: images }, (_, at) => ({ name: `GATE_IMAGE_${at}`, value: 'unset' })),
                { name: 'HOME', value: '/tmp' },
              ],
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: modest,
              securityContext: hardened,
              volumeMounts,
            },
          ],
          volumes,
        },
      },
    },
  };
}

function replacement(
  { kind, name, fieldPath }: { readonly kind: string; readonly name: string; readonly fieldPath: string },
  at: number,
): object {
  return {
    source: { kind, name, fieldPath },
    targets: [
      {
        select: { kind: 'Job', name: gateJob },
        fieldPaths: [`spec.template.spec.containers.[name=gate].env.[name=GATE_IMAGE_${at}].value`],
      },
    ],
  };
}

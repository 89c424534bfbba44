import type { ClusterObject } from '../../model/cluster-object.ts';
import type { DeliveryEnvironment, DeliveryPlan } from './plan.ts';

const api = 'argoproj.io/v1alpha1';

export function applicationName({ application }: DeliveryPlan, { name }: DeliveryEnvironment): string {
  return `${application}-${name}`;
}

/** For each environment a project that allows no more than it needs, and the application. */
export function argoApplications(plan: DeliveryPlan): readonly ClusterObject[] {
  return plan.environments.flatMap(environment => [
    project(plan, environment),
    application(plan, environment),
  ]);
}

function project(plan: DeliveryPlan, environment: DeliveryEnvironment): ClusterObject {
  const name = applicationName(plan, environment);
  const { server, namespace } = environment;
  return {
    apiVersion: api,
    kind: 'AppProject',
    metadata: { name, namespace: plan.argoNamespace },
    spec: {
      description: `${plan.application} in ${environment.name}, digests only`,
      sourceRepos: [plan.repository],
      destinations: [{ server, namespace }],
      clusterResourceWhitelist: [],
      namespaceResourceWhitelist: kindsOf(environment.workloads),
      orphanedResources: { warn: true },
      ...(plan.serviceAccount !== undefined && {
        destinationServiceAccounts: [{ server, namespace, defaultServiceAccount: plan.serviceAccount }],
      }),
      roles: [
        {
          name: 'drift-reader',
          description: 'sees what runs, and changes nothing',
          policies: [`p, proj:${name}:drift-reader, applications, get, ${name}/*, allow`],
        },
      ],
    },
  };
}

function application(plan: DeliveryPlan, environment: DeliveryEnvironment): ClusterObject {
  const name = applicationName(plan, environment);
  const { server, namespace, path } = environment;
  return {
    apiVersion: api,
    kind: 'Application',
    metadata: {
      name,
      namespace: plan.argoNamespace,
      annotations: { 'kargo.akuity.io/authorized-stage': `${plan.kargoProject}:${environment.name}` },
      finalizers: ['resources-finalizer.argocd.argoproj.io/foreground'],
    },
    spec: {
      project: name,
      source: { repoURL: plan.repository, targetRevision: plan.branch, path },
      destination: { server, namespace },
      revisionHistoryLimit: 20,
      syncPolicy: {
        // A sync that heals by itself skips hooks; true only once admission enforces digests and signatures.
        automated: { prune: true, selfHeal: false },
        retry: { limit: 3, refresh: true, backoff: { duration: '30s', factor: 2, maxDuration: '5m' } },
        syncOptions: ['CreateNamespace=false', 'PruneLast=true', 'ServerSideApply=true'],
      },
    },
  };
}

/** What the overlay makes and what the gate needs; nothing else may come in this way. */
function kindsOf(workloads: readonly ClusterObject[]): readonly { group: string; kind: string }[] {
  const needed = [
    ...workloads.map(({ apiVersion, kind }) => `${groupOf(String(apiVersion))} ${String(kind)}`),
    'batch Job',
    ' ConfigMap',
  ];
  return [...new Set(needed)].sort().map(text => {
    const [group = '', kind = ''] = text.split(' ');
    return { group, kind };
  });
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** Kinds that belong to no namespace, which a project of least privilege does not let in. */
export const clusterKinds: ReadonlySet<string> = new Set([
  'Namespace',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'IngressClass',
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);

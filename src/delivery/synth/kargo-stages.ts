import type { ClusterObject } from '../../model/cluster-object.ts';
import { applicationName } from './argo-cd.ts';
import { type DeliveryEnvironment, type DeliveryPlan, formatSoak } from './plan.ts';

export const kargoApi = 'kargo.akuity.io/v1alpha1';
export const revision = 'org.opencontainers.image.revision';
export const promotionTask = 'promote-digests';
export const evidenceAnalysis = 'verify-evidence';

/** `attested` deploys nothing: it turns what arrived into what is proven. Every environment comes after it. */
export function kargoStages(plan: DeliveryPlan): readonly ClusterObject[] {
  return [attested(plan), ...plan.environments.map(environment => stage(environment, plan))];
}

function attested(plan: DeliveryPlan): ClusterObject {
  const named = (name: string) => name.replace(/[^A-Za-z0-9]/g, '_');
  const values = plan.images.flatMap(({ name, repository }) => [
    [`${named(name)}_digest`, `\${{ imageFrom("${repository}").Digest }}`],
    [`${named(name)}_revision`, `\${{ imageFrom("${repository}").Annotations["${revision}"] }}`],
  ]);
  return {
    ...head('attested', plan),
    spec: {
      requestedFreight: [{ origin: originOf(plan), sources: { direct: true } }],
      promotionTemplate: {
        spec: {
          // A Stage without steps is control flow, and what is in it counts as verified at once.
          steps: [
            {
              uses: 'set-metadata',
              config: {
                updates: [
                  {
                    kind: 'Freight',
                    name: '${{ ctx.targetFreight.name }}',
                    values: Object.fromEntries(values),
                  },
                ],
              },
            },
          ],
        },
      },
      verification: {
        analysisTemplates: [{ name: evidenceAnalysis }],
        args: plan.images.map(({ name, repository }) => ({
          name,
          value: `${repository}@\${{ imageFrom("${repository}").Digest }}`,
        })),
      },
    },
  };
}

function stage(environment: DeliveryEnvironment, plan: DeliveryPlan): ClusterObject {
  const { name, from, soak, path, isLast } = environment;
  const app = { name: applicationName(plan, environment) };
  return {
    ...head(name, plan),
    spec: {
      requestedFreight: [
        {
          origin: originOf(plan),
          sources: {
            stages: [from ?? 'attested'],
            ...(soak > 0 && { requiredSoakTime: formatSoak(soak) }),
            // What is promoted is what the environment before runs, not what else is newest.
            ...(isLast
              ? { availabilityStrategy: 'All' }
              : { autoPromotionOptions: { selectionPolicy: 'MatchUpstream' } }),
          },
        },
      ],
      promotionTemplate: {
        spec: {
          steps: [
            {
              task: { name: promotionTask },
              as: 'promote',
              vars: [{ name: 'overlay', value: path }],
            },
            from === undefined
              ? {
                  uses: 'argocd-update',
                  config: {
                    apps: [
                      {
                        ...app,
                        sources: [
                          { repoURL: plan.repository, desiredRevision: '${{ outputs.promote.commit }}' },
                        ],
                      },
                    ],
                  },
                }
              : {
                  uses: 'argocd-wait',
                  config: { apps: [{ ...app, waitFor: ['health', 'sync', 'operation'] }] },
                },
          ],
        },
      },
    },
  };
}

function head(name: string, plan: DeliveryPlan): ClusterObject {
  return { apiVersion: kargoApi, kind: 'Stage', metadata: { name, namespace: plan.kargoProject } };
}

function originOf({ application }: DeliveryPlan): object {
  return { kind: 'Warehouse', name: application };
}

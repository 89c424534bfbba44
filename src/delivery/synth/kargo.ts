import type { ClusterObject } from '../../model/cluster-object.ts';
import { evidenceAnalysis, kargoApi, kargoStages, promotionTask, revision } from './kargo-stages.ts';
import type { DeliveredImage, DeliveryPlan } from './plan.ts';
import {
  finalExitCodes,
  hardened,
  modest,
  policyArguments,
  policyMap,
  policyVolumes,
  unprivileged,
} from './presync-gate.ts';

const evidencePolicy = 'evidence-policy';

/** A whole project of Kargo: what arrives is proven first, then its digests go through the environments. */
export function kargoProject(plan: DeliveryPlan): readonly ClusterObject[] {
  const { kargoProject: name, environments } = plan;
  const [first] = environments;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kargo.akuity.io/project': 'true' } },
    },
    { apiVersion: kargoApi, kind: 'Project', metadata: { name } },
    projectConfig(plan),
    warehouse(plan),
    promotion(plan),
    ...kargoStages(plan),
    analysis(plan),
    ...(first === undefined ? [] : [policyMap(first, { name: evidencePolicy, namespace: name })]),
  ];
}

/** A person promotes to the last environments; the others follow by themselves. */
function projectConfig({ kargoProject: name, environments }: DeliveryPlan): ClusterObject {
  const promotionPolicies = [
    { stageSelector: { name: 'attested' }, autoPromotionEnabled: true },
    ...environments.map(one => ({ stageSelector: { name: one.name }, autoPromotionEnabled: !one.isLast })),
  ];
  return {
    apiVersion: kargoApi,
    kind: 'ProjectConfig',
    metadata: { name, namespace: name },
    spec: { promotionPolicies },
  };
}

function warehouse(plan: DeliveryPlan): ClusterObject {
  return {
    apiVersion: kargoApi,
    kind: 'Warehouse',
    metadata: { name: plan.application, namespace: plan.kargoProject },
    spec: {
      interval: '10m0s',
      freightCreationPolicy: 'Automatic',
      // No name beside image: the decoder of 1.11 refuses it.
      subscriptions: plan.images.map(image => ({ image: subscription(image) })),
      freightCreationCriteria: {
        expression: plan.images
          .map(({ repository }) => `"${revision}" in imageFrom("${repository}").Annotations`)
          .join(' && '),
      },
    },
  };
}

function subscription({ repository, selection, platform }: DeliveredImage): object {
  const { strategy, constraint, allowTags } = selection;
  return {
    repoURL: repository,
    imageSelectionStrategy: strategy,
    ...(constraint !== undefined && { constraint }),
    ...(strategy === 'SemVer' && { strictSemvers: true }),
    ...(allowTags !== undefined && { allowTagsRegexes: [allowTags] }),
    ...(platform !== undefined && { platform }),
    discoveryLimit: 10,
  };
}

const digestOf = ({ repository }: DeliveredImage): string => `\${{ imageFrom("${repository}").Digest }}`;

/** Every image is judged as of now before anything is written, and only digests are. */
function promotion(plan: DeliveryPlan): ClusterObject {
  const { images, kargoProject: namespace, repository: repoURL, branch } = plan;
  const byHand = plan.environments.filter(({ isLast }) => isLast).map(({ name }) => `'${name}'`);
  const isByHand = `ctx.stage in [${byHand.join(', ')}]`;
  const gates = images.map(image => gateStep(image, plan.gateUrl));
  return {
    apiVersion: kargoApi,
    kind: 'PromotionTask',
    metadata: { name: promotionTask, namespace },
    spec: {
      vars: [{ name: 'overlay' }],
      steps: [
        ...gates,
        { uses: 'git-clone', config: { repoURL, checkout: [{ branch, path: './repo' }] } },
        {
          uses: 'kustomize-set-image',
          as: 'set-image',
          config: {
            path: './repo/${{ vars.overlay }}',
            images: images.map(image => ({
              image: image.repository,
              name: image.kustomizeName,
              newName: image.repository,
              digest: digestOf(image),
            })),
          },
        },
        { uses: 'git-commit', as: 'commit', config: { path: './repo', message: commitMessage(images) } },
        { uses: 'git-push', as: 'push', config: { path: './repo', generateTargetBranch: true } },
        {
          uses: 'git-open-pr',
          as: 'open-pr',
          config: {
            repoURL,
            sourceBranch: '${{ task.outputs.push.branch }}',
            targetBranch: branch,
            title: `promote(\${{ ctx.stage }}): ${plan.application}`,
            labels: ['promotion', 'env-${{ ctx.stage }}'],
          },
        },
        {
          uses: 'git-merge-pr',
          as: 'merge',
          if: `\${{ !(${isByHand}) }}`,
          config: { repoURL, prNumber: "${{ task.outputs['open-pr'].pr.id }}", wait: true },
        },
        {
          uses: 'git-wait-for-pr',
          as: 'wait',
          if: `\${{ ${isByHand} }}`,
          retry: { timeout: '72h' },
          config: { repoURL, prNumber: "${{ task.outputs['open-pr'].pr.id }}" },
        },
        // The only way in which a Stage sees what a task found out.
        {
          uses: 'compose-output',
          as: 'output',
          config: {
            commit: `\${{ ${isByHand} ? task.outputs.wait.commit : task.outputs.merge.commit }}`,
          },
        },
      ],
    },
  };
}

function gateStep(image: DeliveredImage, url: string): object {
  return {
    uses: 'http',
    as: `gate-${image.name}`,
    retry: { timeout: '5m', errorThreshold: 3 },
    config: {
      method: 'GET',
      url,
      queryParams: [
        { name: 'image', value: `${image.repository}@${digestOf(image)}` },
        { name: 'env', value: '${{ ctx.stage }}' },
      ],
      timeout: '20s',
      successExpression: 'response.status == 200 && response.body.verdict == "allow"',
      failureExpression: 'response.status == 200 && response.body.verdict == "deny"',
      errorExpression: 'response.body.summary',
      outputs: [
        { name: 'summary', fromExpression: 'response.body.summary' },
        { name: 'vsa', fromExpression: 'response.body.vsa' },
      ],
    },
  };
}

function commitMessage(images: readonly DeliveredImage[]): string {
  const outputs = (image: DeliveredImage) => `task.outputs['gate-${image.name}']`;
  return [
    `promote(\${{ ctx.stage }}): ${images.map(({ name }) => name).join(', ')}`,
    '',
    ...images.map(image => `\${{ ${outputs(image)}.summary }}`),
    '',
    'Kargo-Promotion: ${{ ctx.promotion }}',
    ...images.flatMap(image => [
      `Image-Digest: ${image.repository}@${digestOf(image)}`,
      `Verdict: \${{ ${outputs(image)}.vsa }}`,
    ]),
  ].join('\n');
}

/** Jobs that judge the evidence of each image before it goes anywhere. */
function analysis(plan: DeliveryPlan): ClusterObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: evidenceAnalysis, namespace: plan.kargoProject },
    spec: {
      // Without a value: what is missing is an error.
      args: plan.images.map(({ name }) => ({ name })),
      metrics: plan.images.map(({ name }) => ({
        name,
        failureLimit: 0,
        consecutiveErrorLimit: 2,
        provider: { job: { spec: gateJobSpec(name, plan) } },
      })),
    },
  };
}

function gateJobSpec(image: string, plan: DeliveryPlan): object {
  const [first] = plan.environments;
  const { volumeMounts, volumes } = policyVolumes(evidencePolicy);
  return {
    backoffLimit: 2,
    activeDeadlineSeconds: 600,
    ttlSecondsAfterFinished: 86_400,
    podFailurePolicy: {
      rules: [
        {
          action: 'FailJob',
          onExitCodes: { containerName: 'verify', operator: 'In', values: finalExitCodes },
        },
      ],
    },
    template: {
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: unprivileged,
        containers: [
          {
            name: 'verify',
            image: plan.gateImage,
            args: ['gate', `{{ args.${image} }}`, ...(first === undefined ? [] : policyArguments(first))],
            env: [{ name: 'HOME', value: '/tmp' }],
            terminationMessagePolicy: 'FallbackToLogsOnError',
            resources: modest,
            securityContext: hardened,
            volumeMounts,
          },
        ],
        volumes,
      },
    },
  };
}

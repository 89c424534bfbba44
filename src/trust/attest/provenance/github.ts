import { Fault } from '../../../ground/fault/fault.ts';
import { productUris } from '../../../model/product-uris.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { BuildPlace, Environment } from './build-place.ts';
import { claimText, requireCommit, requireVariable } from './require-variable.ts';

const system = 'GitHub Actions';

/** A job of GitHub Actions. Only the token says which workflow file runs: a reusable one is not in the environment. */
export function describeGithub(
  env: Environment,
  claims: Claims | undefined,
  builderId: string | undefined,
): BuildPlace {
  const variable = (name: string) => requireVariable(env, name, system);
  const server = variable('GITHUB_SERVER_URL');
  const repository = variable('GITHUB_REPOSITORY');
  const workflowRef = variable('GITHUB_WORKFLOW_REF');
  const project = `${server}/${repository}`;
  return {
    buildType: productUris.buildTypes.github,
    externalParameters: {
      workflow: {
        repository: project,
        ref: variable('GITHUB_REF'),
        path: workflowPath(workflowRef, repository),
      },
    },
    internalParameters: {
      event_name: env.GITHUB_EVENT_NAME,
      repository_id: env.GITHUB_REPOSITORY_ID,
      repository_owner_id: env.GITHUB_REPOSITORY_OWNER_ID,
      runner_environment: claimText(claims, 'runner_environment') ?? env.RUNNER_ENVIRONMENT,
    },
    source: {
      name: 'source',
      uri: `git+${project}`,
      digest: { gitCommit: requireCommit(variable('GITHUB_SHA'), 'GITHUB_SHA') },
    },
    builderId: builderId ?? `${server}/${requireWorkflow(claims)}`,
    builderVersion: env.RUNNER_ENVIRONMENT ? { runner: env.RUNNER_ENVIRONMENT } : {},
    invocationId: `${project}/actions/runs/${variable('GITHUB_RUN_ID')}/attempts/${variable('GITHUB_RUN_ATTEMPT')}`,
  };
}

/** `owner/repo/.github/workflows/x.yml@refs/heads/main` → `.github/workflows/x.yml` */
function workflowPath(ref: string, repository: string): string {
  const path = ref.split('@')[0] ?? '';
  return path.startsWith(`${repository}/`) ? path.slice(repository.length + 1) : path;
}

function requireWorkflow(claims: Claims | undefined): string {
  const workflow = claimText(claims, 'job_workflow_ref');
  if (workflow !== undefined) return workflow;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: 'only an identity token says which workflow runs, and this job has none',
    where: system,
    expected: 'the claim job_workflow_ref',
    next: 'add to the job: permissions: { id-token: write }; or name the builder with --builder-id',
  });
}

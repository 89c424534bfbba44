import { Fault } from '../../../ground/fault/fault.ts';
import { productUris } from '../../../model/product-uris.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { BuildPlace, Environment } from './build-place.ts';
import { claimText, requireCommit, requireVariable } from './require-variable.ts';

const system = 'GitLab CI';

/** A job of GitLab CI. */
export function describeGitlab(
  env: Environment,
  claims: Claims | undefined,
  builderId: string | undefined,
): BuildPlace {
  const variable = (name: string) => requireVariable(env, name, system);
  const project = variable('CI_PROJECT_URL');
  return {
    buildType: productUris.buildTypes.gitlab,
    externalParameters: {
      pipeline: { repository: project, ref: gitRef(env), path: env.CI_CONFIG_PATH || '.gitlab-ci.yml' },
    },
    internalParameters: {
      pipeline_source: env.CI_PIPELINE_SOURCE,
      project_id: env.CI_PROJECT_ID,
      namespace_id: env.CI_PROJECT_NAMESPACE_ID,
      job_name: env.CI_JOB_NAME,
      runner_tags: env.CI_RUNNER_TAGS,
      ref_protected: env.CI_COMMIT_REF_PROTECTED,
    },
    source: {
      name: 'source',
      uri: `git+${project}`,
      digest: { gitCommit: requireCommit(variable('CI_COMMIT_SHA'), 'CI_COMMIT_SHA') },
    },
    builderId: builderId ?? `https://${requireConfigRef(env, claims)}`,
    builderVersion: runnerVersion(env),
    invocationId: variable('CI_JOB_URL'),
  };
}

function gitRef(env: Environment): string {
  if (env.CI_COMMIT_TAG) return `refs/tags/${env.CI_COMMIT_TAG}`;
  return `refs/heads/${requireVariable(env, 'CI_COMMIT_REF_NAME', system)}`;
}

function runnerVersion(env: Environment): Record<string, string> {
  if (!env.CI_RUNNER_VERSION) return {};
  return {
    'gitlab-runner': env.CI_RUNNER_REVISION
      ? `${env.CI_RUNNER_VERSION} (${env.CI_RUNNER_REVISION})`
      : env.CI_RUNNER_VERSION,
  };
}

function requireConfigRef(env: Environment, claims: Claims | undefined): string {
  const ref = claimText(claims, 'ci_config_ref_uri') ?? env.CI_CONFIG_REF_URI;
  if (ref) return ref;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: 'only an identity token says which pipeline file runs, and this job has none',
    where: system,
    expected: 'the claim ci_config_ref_uri',
    next: 'add to the job: id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }; or name the builder with --builder-id',
  });
}

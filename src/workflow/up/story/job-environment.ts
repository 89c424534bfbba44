import {
  githubClaims,
  gitlabClaims,
} from '../../../trust/attest/local-sigstore/identity/development-identity.ts';
import { mintOffline } from '../../../trust/attest/local-sigstore/identity/mint-offline.ts';
import type { Forge, Workshop } from './workshop.ts';

/** What a job of a forge sees, with a token of the local Sigstore that says the same. */
export async function jobEnvironment(
  forge: Forge,
  commit: string,
  run: number,
  workshop: Workshop,
): Promise<Readonly<Record<string, string | undefined>>> {
  const id = String(run);
  if (forge === 'github') {
    const token = await mintOffline(
      workshop.sigstore,
      githubClaims({
        repository: 'bookstore/shop',
        sha: commit,
        job_workflow_sha: commit,
        workflow_sha: commit,
        run_id: id,
      }),
    );
    return {
      ...workshop.env,
      GITHUB_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'bookstore/shop',
      GITHUB_WORKFLOW_REF: 'bookstore/shop/.github/workflows/release.yml@refs/heads/main',
      GITHUB_REF: 'refs/heads/main',
      GITHUB_SHA: commit,
      GITHUB_RUN_ID: id,
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_EVENT_NAME: 'push',
      RUNNER_ENVIRONMENT: 'github-hosted',
      SIGSTORE_ID_TOKEN: token,
    };
  }
  const token = await mintOffline(
    workshop.sigstore,
    gitlabClaims({ project_path: 'bookstore/shop', sha: commit, ci_config_sha: commit, job_id: id }),
  );
  return {
    ...workshop.env,
    GITLAB_CI: 'true',
    CI_PROJECT_URL: 'https://gitlab.com/bookstore/shop',
    CI_COMMIT_SHA: commit,
    CI_COMMIT_BRANCH: 'main',
    CI_COMMIT_REF_NAME: 'main',
    CI_CONFIG_PATH: '.gitlab-ci.yml',
    CI_PIPELINE_SOURCE: 'push',
    CI_JOB_NAME: 'release',
    CI_JOB_URL: `https://gitlab.com/bookstore/shop/-/jobs/${id}`,
    CI_RUNNER_VERSION: '18.0.0',
    SIGSTORE_ID_TOKEN: token,
  };
}

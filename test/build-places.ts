import {
  githubClaims,
  gitlabClaims,
} from '../src/trust/attest/local-sigstore/identity/development-identity.ts';
import type { SigningBench } from './signing-place.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';

export const buildRecord = {
  image: 'registry.example/shop/web',
  digest: `sha256:${'1'.repeat(64)}`,
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64'],
  buildArgs: { VERSION: '1.4', NPM_TOKEN: null },
  bases: [
    { reference: 'docker.io/library/node:24', digest: `sha256:${'2'.repeat(64)}`, platform: 'linux/amd64' },
  ],
  builder: { driver: 'buildkit', version: '0.20.0' },
  startedOn: '2026-01-02T03:04:05Z',
  finishedOn: '2026-01-02T03:05:06Z',
};

/** What a job of GitHub Actions sees. */
export function githubEnvironment({ token }: Pick<SigningBench, 'token'>): Record<string, string> {
  return {
    GITHUB_ACTIONS: 'true',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'example/shop',
    GITHUB_WORKFLOW_REF: 'example/shop/.github/workflows/release.yml@refs/heads/main',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: commit,
    GITHUB_RUN_ID: '7',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_REPOSITORY_ID: '1001',
    GITHUB_REPOSITORY_OWNER_ID: '1000',
    RUNNER_ENVIRONMENT: 'github-hosted',
    SIGSTORE_ID_TOKEN: token(githubClaims({ sha: commit, run_id: '7' })),
  };
}

/** What a job of GitLab CI sees. */
export function gitlabEnvironment({ token }: Pick<SigningBench, 'token'>): Record<string, string> {
  return {
    GITLAB_CI: 'true',
    CI_PROJECT_URL: 'https://gitlab.com/example/shop',
    CI_COMMIT_SHA: commit,
    CI_COMMIT_BRANCH: 'main',
    CI_COMMIT_REF_NAME: 'main',
    CI_CONFIG_PATH: '.gitlab-ci.yml',
    CI_PIPELINE_SOURCE: 'push',
    CI_PROJECT_ID: '2001',
    CI_PROJECT_NAMESPACE_ID: '2000',
    CI_JOB_NAME: 'release',
    CI_JOB_URL: 'https://gitlab.com/example/shop/-/jobs/1',
    CI_RUNNER_VERSION: '18.0.0',
    CI_RUNNER_REVISION: 'abcdef',
    CI_COMMIT_REF_PROTECTED: 'true',
    SIGSTORE_ID_TOKEN: token(gitlabClaims({ sha: commit })),
  };
}

import type { Claims } from '../../identity-token/claims.ts';

const commit = '0'.repeat(39).concat('1');

/** Claims shaped as GitHub Actions writes them, for a push to main unless something else is said. */
export function githubClaims(o: Claims = {}): Claims {
  const repository = textOf(o['repository'], 'example/shop');
  const ref = textOf(o['ref'], 'refs/heads/main');
  const workflow = `${repository}/.github/workflows/release.yml@${ref}`;
  return {
    sub: `repo:${repository}:ref:${ref}`,
    repository,
    ref,
    sha: commit,
    event_name: 'push',
    workflow: 'release',
    job_workflow_ref: workflow,
    job_workflow_sha: commit,
    workflow_ref: workflow,
    workflow_sha: commit,
    runner_environment: 'github-hosted',
    repository_id: '1001',
    repository_owner: repository.split('/')[0],
    repository_owner_id: '1000',
    repository_visibility: 'private',
    run_id: '1',
    run_attempt: '1',
    ...o,
  };
}

/** Claims shaped as GitLab CI writes them. */
export function gitlabClaims(o: Claims = {}): Claims {
  const project = textOf(o['project_path'], 'example/shop');
  const ref = textOf(o['ref'], 'main');
  return {
    sub: `project_path:${project}:ref_type:branch:ref:${ref}`,
    project_path: project,
    namespace_path: project.split('/').slice(0, -1).join('/'),
    namespace_id: '2000',
    project_id: '2001',
    ref,
    ref_type: 'branch',
    sha: commit,
    ci_config_ref_uri: `gitlab.com/${project}//.gitlab-ci.yml@refs/heads/${ref}`,
    ci_config_sha: commit,
    pipeline_source: 'push',
    runner_environment: 'gitlab-hosted',
    project_visibility: 'private',
    job_id: '1',
    ...o,
  };
}

export function personClaims(email: string, o: Claims = {}): Claims {
  return { sub: email, email, email_verified: true, ...o };
}

function textOf(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

/** Whom a word means: `github`, `gitlab`, an e-mail address, or a whole identity as a certificate spells it. */
export function developmentClaims(as: string): Claims | undefined {
  if (as === 'github') return githubClaims();
  if (as === 'gitlab') return gitlabClaims();
  if (/^[^\s@/]+@[^\s@/]+$/.test(as)) return personClaims(as);
  const [, repository, workflow, ref] =
    /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\/(\.github\/workflows\/[\w./-]+)@(refs\/[\w./-]+)$/.exec(
      as,
    ) ?? [];
  if (repository !== undefined) {
    const job = `${repository}/${workflow}@${ref}`;
    return githubClaims({ repository, ref, job_workflow_ref: job, workflow_ref: job });
  }
  const [, project, file, kind, name] =
    /^https:\/\/gitlab\.com\/([\w./-]+?)\/\/([\w./-]+)@refs\/(heads|tags)\/([\w./-]+)$/.exec(as) ?? [];
  if (project === undefined) return undefined;
  return gitlabClaims({
    project_path: project,
    ref: name,
    ref_type: kind === 'tags' ? 'tag' : 'branch',
    ci_config_ref_uri: `gitlab.com/${project}//${file}@refs/${kind}/${name}`,
  });
}

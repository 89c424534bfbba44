import { forgeOfJob } from '../../model/forge.ts';
import type { Finding, Machine } from './finding.ts';

const area = 'continuous integration';

/** Which CI this is, and whether a job can prove who it is; without that there is no keyless signature. */
export async function checkCiIdentity({ env }: Machine): Promise<readonly Finding[]> {
  const forge = forgeOfJob(env);
  if (forge === 'github') return [onGithub(env)];
  if (forge === 'gitlab') return [onGitlab(env)];
  if (env.SIGSTORE_ID_TOKEN)
    return [{ area, check: 'identity', health: 'ok', found: 'SIGSTORE_ID_TOKEN is set' }];
  return [{ area, check: 'identity', health: 'skipped', found: 'not in CI' }];
}

function onGithub(env: Machine['env']): Finding {
  const found = `GitHub Actions, ${env.GITHUB_REPOSITORY ?? 'unknown repository'}`;
  if (env.ACTIONS_ID_TOKEN_REQUEST_URL && env.ACTIONS_ID_TOKEN_REQUEST_TOKEN) {
    return { area, check: 'identity', health: 'ok', found: `${found}: can ask for an identity token` };
  }
  return {
    area,
    check: 'identity',
    health: 'broken',
    found: `${found}: no identity token`,
    fix: 'add to the job: permissions: { id-token: write }',
  };
}

function onGitlab(env: Machine['env']): Finding {
  const found = `GitLab CI, ${env.CI_PROJECT_PATH ?? 'unknown project'}`;
  if (env.SIGSTORE_ID_TOKEN)
    return { area, check: 'identity', health: 'ok', found: `${found}: SIGSTORE_ID_TOKEN is set` };
  return {
    area,
    check: 'identity',
    health: 'broken',
    found: `${found}: no identity token`,
    fix: 'add to the job: id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }',
  };
}

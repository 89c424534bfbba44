import { Fault } from '../../../ground/fault/fault.ts';
import { isLoopbackHost } from '../../../model/image-reference.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { Environment } from './build-place.ts';
import { claimText } from './require-variable.ts';

/** What a token says, and the variable that must say the same. */
const sameThing = {
  github: {
    repository: 'GITHUB_REPOSITORY',
    repository_id: 'GITHUB_REPOSITORY_ID',
    repository_owner_id: 'GITHUB_REPOSITORY_OWNER_ID',
    ref: 'GITHUB_REF',
    sha: 'GITHUB_SHA',
    workflow_ref: 'GITHUB_WORKFLOW_REF',
    event_name: 'GITHUB_EVENT_NAME',
    run_id: 'GITHUB_RUN_ID',
    run_attempt: 'GITHUB_RUN_ATTEMPT',
  },
  gitlab: {
    project_path: 'CI_PROJECT_PATH',
    project_id: 'CI_PROJECT_ID',
    namespace_id: 'CI_PROJECT_NAMESPACE_ID',
    ref: 'CI_COMMIT_REF_NAME',
    sha: 'CI_COMMIT_SHA',
    pipeline_source: 'CI_PIPELINE_SOURCE',
    job_id: 'CI_JOB_ID',
    ci_config_ref_uri: 'CI_CONFIG_REF_URI',
  },
} as const;

/** Any step of a job can set variables, but only the forge writes tokens: where they differ, somebody lies. */
export function requireAgreement(ci: 'github' | 'gitlab', env: Environment, claims: Claims): void {
  for (const [claim, name] of Object.entries(sameThing[ci])) {
    const [said, set] = [claimText(claims, claim), env[name] || undefined];
    if (said !== undefined && set !== undefined && said !== set) throw contradicted(name, said, set);
  }
  const project =
    ci === 'github' ? `${env['GITHUB_SERVER_URL']}/${env['GITHUB_REPOSITORY']}` : env['CI_PROJECT_URL'];
  const said = ci === 'github' ? claimText(claims, 'repository') : claimText(claims, 'project_path');
  const server = serverOf(claimText(claims, 'iss'));
  if (said === undefined || project === undefined) return;
  const expected = server === undefined ? `…/${said}` : `${server}/${said}`;
  const agrees = server === undefined ? project.endsWith(`/${said}`) : project === expected;
  if (!agrees)
    throw contradicted(ci === 'github' ? 'GITHUB_SERVER_URL' : 'CI_PROJECT_URL', expected, project);
}

/** The forge whose issuer this is; an issuer for development speaks for none. */
function serverOf(issuer: string | undefined): string | undefined {
  if (issuer === undefined || !URL.canParse(issuer)) return undefined;
  const { host, protocol, pathname } = new URL(issuer);
  if (protocol !== 'https:' || isLoopbackHost(host)) return undefined;
  if (host === 'token.actions.githubusercontent.com') return 'https://github.com';
  if (pathname === '/_services/token') return `https://${host}`;
  return issuer.replace(/\/$/, '');
}

function contradicted(where: string, expected: string, actual: string): Fault {
  return new Fault('PROVENANCE_CONTRADICTED', {
    what: 'the identity token of the job says something else than the environment',
    where,
    expected: expected.slice(0, 300),
    actual: actual.slice(0, 300),
  });
}

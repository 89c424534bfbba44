import type { Environment } from '../../../ground/http/proxy.ts';
import type { Credential } from './credential.ts';

/** Credentials that a CI or the user put into environment variables, with the variable named as the source. */
export function credentialFromEnvironment(registry: string, env: Environment): Credential | undefined {
  return fromOwnVariables(registry, env) ?? fromGitLab(registry, env) ?? fromGitHub(registry, env);
}

/** `CG_REGISTRY_GHCR_IO_USER` for ghcr.io: upper case, everything else becomes `_`. Not every prefix is of one host. */
export function variablePrefix(registry: string): string {
  return `CG_REGISTRY_${registry.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

function fromOwnVariables(registry: string, env: Environment): Credential | undefined {
  const prefix = variablePrefix(registry);
  if (!isMeant(registry, env[`${prefix}_HOST`])) return undefined;
  return password(env[`${prefix}_USER`], env[`${prefix}_PASSWORD`], `${prefix}_USER and ${prefix}_PASSWORD`);
}

/**
 * registry-corp.com and registry.corp.com share a prefix, and whoever registers the one must not get the password
 * of the other. Dots alone are what the prefix says; a host with any other character is named by a variable.
 */
function isMeant(registry: string, host: string | undefined): boolean {
  return host ? host === registry : /^[a-z0-9.]+$/.test(registry);
}

function fromGitLab(registry: string, env: Environment): Credential | undefined {
  if (env['CI_REGISTRY'] === undefined || env['CI_REGISTRY'].replace(/^https?:\/\//, '') !== registry)
    return undefined;
  return (
    password(
      env['CI_REGISTRY_USER'],
      env['CI_REGISTRY_PASSWORD'],
      'CI_REGISTRY_USER and CI_REGISTRY_PASSWORD',
    ) ?? password('gitlab-ci-token', env['CI_JOB_TOKEN'], 'CI_JOB_TOKEN')
  );
}

function fromGitHub(registry: string, env: Environment): Credential | undefined {
  if (registry !== 'ghcr.io') return undefined;
  return password(env['GITHUB_ACTOR'] || 'x-access-token', env['GITHUB_TOKEN'], 'GITHUB_TOKEN');
}

function password(
  username: string | undefined,
  secret: string | undefined,
  source: string,
): Credential | undefined {
  if (!username || !secret) return undefined;
  return { kind: 'password', username, password: secret, source };
}

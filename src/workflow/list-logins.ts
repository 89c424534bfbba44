import { readFile } from 'node:fs/promises';
import type { Environment } from '../ground/http/proxy.ts';
import { credentialFiles } from '../image/oci/credentials/docker-config.ts';
import { credentialFromEnvironment } from '../image/oci/credentials/environment.ts';
import { toRegistryName } from './registry-name.ts';

/** Hosts in the files of docker, podman and skopeo, and those that CI variables name; never the secrets. */
export async function listLogins(env: Environment): Promise<readonly string[]> {
  const hosts: string[] = [];
  for (const file of credentialFiles(env)) hosts.push(...(await hostsIn(file)));
  for (const host of ['ghcr.io', ...(env.CI_REGISTRY ? [env.CI_REGISTRY] : [])]) {
    if (credentialFromEnvironment(host, env) !== undefined) hosts.push(host);
  }
  return hosts.flatMap(host => {
    try {
      return [toRegistryName(host)];
    } catch {
      return [];
    }
  });
}

async function hostsIn(file: string): Promise<string[]> {
  try {
    const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    return ['auths', 'credHelpers'].flatMap(key =>
      typeof config[key] === 'object' && config[key] !== null ? Object.keys(config[key]) : [],
    );
  } catch {
    return [];
  }
}

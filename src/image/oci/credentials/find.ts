import type { Environment } from '../../../ground/http/proxy.ts';
import type { Credential, CredentialLookup } from './credential.ts';
import { getFromHelper } from './credential-program.ts';
import {
  credentialFiles,
  credentialFromConfig,
  type DockerConfig,
  helperFor,
  primaryKey,
  readDockerConfig,
} from './docker-config.ts';
import { credentialFromEnvironment } from './environment.ts';

export interface CredentialOptions {
  readonly env: Environment;
  /** What the user gave on the command line; it is for one registry and for no other. */
  readonly explicit?: { readonly registry: string; readonly credential: Credential };
}

/** Looks in every place once, best first: the command line, CI variables, config files and their helpers. */
export function createCredentialLookup(options: CredentialOptions): CredentialLookup {
  const known = new Map<string, Promise<Credential | undefined>>();
  return (registry, repository, signal) => {
    const key = `${registry}/${repository}`;
    const found = known.get(key) ?? findCredential(options, registry, repository, signal);
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  };
}

async function findCredential(
  { env, explicit }: CredentialOptions,
  registry: string,
  repository: string,
  signal?: AbortSignal,
): Promise<Credential | undefined> {
  if (explicit?.registry === registry) return explicit.credential;
  const variable = credentialFromEnvironment(registry, env);
  if (variable !== undefined) return variable;
  for (const path of credentialFiles(env)) {
    const config = await readDockerConfig(path);
    const found = await findInFile(config, registry, repository, env, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A helper of the registry's own comes first, then what stands in the file, then the general store. */
async function findInFile(
  config: DockerConfig,
  registry: string,
  repository: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Credential | undefined> {
  const helper = helperFor(config, registry);
  const ask = async (): Promise<Credential | undefined> =>
    helper && (await getFromHelper(helper.program, primaryKey(registry), env, signal));
  if (helper?.own === true) return await ask();
  return credentialFromConfig(config, registry, repository) ?? (await ask());
}

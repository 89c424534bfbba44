import type { Forge } from '../../model/forge.ts';
import { signingWorkflow } from './render/github.ts';

/** Where the sources are, as the forge knows them. */
export interface ForgeRepository {
  readonly host: string;
  /** `acme/shop`, or deeper. */
  readonly path: string;
}

export interface SigningIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** The public certificate authority knows these and no others. */
const publicHosts: Readonly<Record<string, Forge>> = { 'github.com': 'github', 'gitlab.com': 'gitlab' };

export function platformOf({ host }: ForgeRepository): Forge | undefined {
  return Object.hasOwn(publicHosts, host) ? publicHosts[host] : undefined;
}

/** Who will have signed: the file of the job that signs, on the branch that it runs on. */
export function signingIdentity(repository: ForgeRepository, branch: string): SigningIdentity | undefined {
  const { host, path } = repository;
  const platform = platformOf(repository);
  if (platform === undefined) return undefined;
  return platform === 'github'
    ? {
        issuer: 'https://token.actions.githubusercontent.com',
        subject: `https://${host}/${path}/${signingWorkflow}@refs/heads/${branch}`,
      }
    : {
        issuer: `https://${host}`,
        subject: `https://${host}/${path}//.gitlab-ci.yml@refs/heads/${branch}`,
      };
}

/** A URL of Git as people write it: https, ssh, or `git@host:path`; never what stands in it as a password. */
export function parseRepositoryUrl(text: string): ForgeRepository | undefined {
  const [, scpHost, scpPath] =
    /^(?:[\w.-]{1,100}@)?([A-Za-z0-9.-]{1,253}):(?!\/)([^\s:]{1,500})$/.exec(text) ?? [];
  if (scpHost !== undefined && scpPath !== undefined) return checked(scpHost, scpPath);
  if (!/^(?:https|ssh):\/\//.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, host, pathname } = new URL(text);
  return checked(protocol === 'ssh:' ? hostname : host, pathname);
}

function checked(host: string, path: string): ForgeRepository | undefined {
  const plain = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const isPath = /^[A-Za-z0-9_][\w.-]*(?:\/[A-Za-z0-9_][\w.-]*)+$/.test(plain) && !plain.includes('..');
  return isPath ? { host: host.toLowerCase(), path: plain } : undefined;
}

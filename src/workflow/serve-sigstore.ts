import { join } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { dataFolder } from '../ground/store/user-folders.ts';
import type { Claims } from '../trust/attest/identity-token/claims.ts';
import { developmentClaims } from '../trust/attest/local-sigstore/identity/development-identity.ts';
import { mintOffline } from '../trust/attest/local-sigstore/identity/mint-offline.ts';
import { type LocalSigstore, startLocalSigstore } from '../trust/attest/local-sigstore/start.ts';

export interface ServeSigstore {
  readonly project: string;
  readonly folder?: string;
  /** `127.0.0.1:PORT`; without it the address of the last run, else any free port. */
  readonly address?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly warn?: (message: string) => void;
}

export interface ServedSigstore extends LocalSigstore {
  readonly folder: string;
}

/** `cg sigstore serve`: a Sigstore for this project, on this machine, for nobody's production. */
export async function serveSigstore(o: ServeSigstore): Promise<ServedSigstore> {
  const folder = o.folder ?? sigstoreFolder(o.project, o.environment);
  const sigstore = await startLocalSigstore({
    project: o.project,
    folder,
    ...(o.address !== undefined && { address: parseAddress(o.address) }),
    ...(o.warn !== undefined && { warn: o.warn }),
  });
  return { ...sigstore, folder };
}

/** `cg sigstore token --as github|gitlab|EMAIL`: a development identity, whether or not the server runs. */
export async function mintDevelopmentToken(o: {
  readonly as: string;
  readonly project: string;
  readonly folder?: string;
  readonly environment: ServeSigstore['environment'];
}): Promise<string> {
  const folder = o.folder ?? sigstoreFolder(o.project, o.environment);
  return await mintOffline(folder, claimsFor(o.as));
}

export function sigstoreFolder(project: string, environment: ServeSigstore['environment']): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(project)) {
    throw new Fault('USAGE', {
      what: 'The name of the project cannot be the name of a folder.',
      actual: JSON.stringify(project),
      next: 'name a folder with --data',
    });
  }
  return join(dataFolder(environment), 'sigstore', project);
}

/** The claims of somebody who is only pretended. */
export function claimsFor(as: string): Claims {
  const claims = developmentClaims(as);
  if (claims !== undefined) return claims;
  throw new Fault('USAGE', {
    what: 'The local Sigstore does not know how to be this.',
    expected: 'github, gitlab, an e-mail address, or a whole identity of a workflow or a pipeline',
    actual: as.slice(0, 200),
    next: 'cg sigstore token --as github',
  });
}

function parseAddress(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const isLoopback = host === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host);
  if (isLoopback && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new Fault('USAGE', {
    what: 'The local Sigstore listens on the loopback interface only.',
    expected: '127.0.0.1:PORT',
    actual: text,
  });
}

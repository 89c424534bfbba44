import { pathToFileURL } from 'node:url';
import { Git } from '../delivery/git/git.ts';
import { hasCode } from '../ground/fault/fault.ts';
import { HttpClient } from '../ground/http/client.ts';
import { readNamedText } from '../ground/store/named-text.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { type Forge, forgeOfJob } from '../model/forge.ts';
import type { Claims } from '../trust/attest/identity-token/claims.ts';
import { findIdentityToken } from '../trust/attest/identity-token/find-token.ts';
import { checkPredicate } from '../trust/attest/predicates/check-predicate.ts';
import { parseBuildRecord } from '../trust/attest/provenance/build-record-file.ts';
import type { GitFacts } from '../trust/attest/provenance/local.ts';
import { buildProvenance, type ProvenancePredicate } from '../trust/attest/provenance/provenance.ts';
import { clientHttp } from '../trust/attest/services/client-http.ts';

export type { ProvenancePredicate } from '../trust/attest/provenance/provenance.ts';

export interface MakeProvenance {
  /** Without it what the environment says. */
  readonly ci?: Forge | 'local';
  /** The file that the build left behind. */
  readonly record: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the source lies, for Git. */
  readonly cwd: string;
  readonly identityToken?: string;
  readonly builderId?: string;
  readonly version: string;
  readonly clock?: Clock;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

/** Says how an image was built, from the record of its build and from what the CI says; nothing is made up. */
export async function makeProvenance(o: MakeProvenance): Promise<ProvenancePredicate> {
  const record = parseBuildRecord(await readNamedText(o.record, { what: 'the build record' }), o.record);
  const ci = o.ci ?? forgeOfJob(o.env) ?? 'local';
  const claims = ci === 'local' ? undefined : await findClaims(o);
  const git = ci === 'local' ? await askGit(o) : undefined;
  const predicate = buildProvenance({
    ci,
    env: o.env,
    record,
    version: o.version,
    ...(claims !== undefined && { claims }),
    ...(git !== undefined && { git }),
    ...(o.builderId !== undefined && { builderId: o.builderId }),
  });
  checkPredicate('https://slsa.dev/provenance/v1', predicate);
  return predicate;
}

/** Only the token knows which workflow really runs; without one the answer may still be on the command line. */
async function findClaims(o: MakeProvenance): Promise<Claims | undefined> {
  const client = new HttpClient({ env: o.env, offline: o.offline ?? false });
  const call = o.signal === undefined ? {} : { signal: o.signal };
  try {
    const token = await findIdentityToken(
      {
        environment: o.env,
        http: clientHttp(client),
        clock: o.clock ?? systemClock,
        ...(o.identityToken !== undefined && { file: o.identityToken }),
      },
      call,
    );
    return token.claims;
  } catch (error) {
    if (hasCode(error, 'TOKEN_MISSING')) return undefined;
    throw error;
  } finally {
    client.close();
  }
}

async function askGit(o: MakeProvenance): Promise<GitFacts | undefined> {
  const commit = await git(o, 'rev-parse', '--verify', 'HEAD');
  if (commit === undefined) return undefined;
  const ref = await git(o, 'symbolic-ref', '--quiet', 'HEAD');
  const remote = await git(o, 'config', '--get', 'remote.origin.url');
  const top = await git(o, 'rev-parse', '--show-toplevel');
  return {
    commit,
    remote: remote ?? pathToFileURL(top ?? o.cwd).href,
    ...(ref !== undefined && { ref }),
    dirty: (await git(o, 'status', '--porcelain')) !== undefined,
  };
}

/** What Git prints, or undefined when it prints nothing or fails. */
async function git(o: MakeProvenance, ...args: readonly string[]): Promise<string | undefined> {
  const repository = new Git(o.cwd, { env: o.env, ...(o.signal !== undefined && { signal: o.signal }) });
  const { code, stdout } = await repository.try(args);
  const text = stdout.toString('utf8').trim();
  return code === 0 && text !== '' ? text : undefined;
}

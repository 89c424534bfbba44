import { Fault } from '../../../ground/fault/fault.ts';
import { run } from '../../../ground/process/run.ts';
import { readNamedText } from '../../../ground/store/named-text.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import type { Http, ServiceCall } from '../services/http.ts';
import { type IdentityToken, readIdentityToken } from './identity-token.ts';

export interface TokenSearch {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  readonly clock?: Clock;
  /** A file that holds the token. */
  readonly file?: string;
  /** The only audience that certificate authorities accept. */
  readonly audience?: string;
}

/**
 * The identity token of this job: a file, SIGSTORE_ID_TOKEN (GitLab's id_tokens), GitHub Actions or Buildkite.
 * There is no silent device flow: outside of CI somebody has to say where the token is.
 */
export async function findIdentityToken(search: TokenSearch, o: ServiceCall = {}): Promise<IdentityToken> {
  const clock = search.clock ?? systemClock;
  const { environment } = search;
  if (search.file !== undefined) {
    const text = await readNamedText(search.file, { what: 'the file with the identity token' });
    return readIdentityToken(text, search.file, clock);
  }
  const given = environment['SIGSTORE_ID_TOKEN'];
  if (given !== undefined && given !== '') return readIdentityToken(given, 'SIGSTORE_ID_TOKEN', clock);
  if (environment['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined) {
    return readIdentityToken(await requestGithubToken(search, o), 'GitHub Actions', clock);
  }
  if (environment['BUILDKITE'] === 'true') {
    return readIdentityToken(await requestBuildkiteToken(search, o), 'Buildkite', clock);
  }
  throw missing(environment);
}

async function requestBuildkiteToken(
  { environment, audience }: TokenSearch,
  { signal }: ServiceCall,
): Promise<string> {
  const agent = Object.entries(environment).filter(([name]) => /^(?:PATH|BUILDKITE_\w+)$/.test(name));
  const { code, stdout } = await run({
    program: 'buildkite-agent',
    args: ['oidc', 'request-token', '--audience', audience ?? 'sigstore'],
    env: Object.fromEntries(agent),
    timeLimit: 30_000,
    outputLimit: 256 * 1024,
    ...(signal !== undefined && { signal }),
  });
  if (code === 0) return stdout.toString('latin1');
  throw new Fault('TOKEN_MISSING', {
    what: `The Buildkite agent gave no identity token (status ${code ?? 'unknown'}).`,
    next: 'run "buildkite-agent oidc request-token --audience sigstore" in the job and see what it says',
  });
}

async function requestGithubToken(
  { environment, http, audience }: TokenSearch,
  o: ServiceCall,
): Promise<string> {
  const url = new URL(environment['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '');
  url.searchParams.set('audience', audience ?? 'sigstore');
  const headers = {
    Authorization: `Bearer ${environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? ''}`,
    Accept: 'application/json',
  };
  const reply = await http({ method: 'GET', url: url.href, headers }, o);
  const token = reply.status === 200 ? valueIn(reply.body) : undefined;
  if (token !== undefined) return token;
  throw new Fault('TOKEN_MISSING', {
    what: `GitHub Actions gave no identity token (status ${reply.status}).`,
    where: url.host,
    next: 'add "permissions: { id-token: write }" to the job that signs',
  });
}

function valueIn(body: Buffer): string | undefined {
  try {
    const { value } = JSON.parse(body.toString('utf8')) as { readonly value?: unknown };
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Says which line of the pipeline is missing. */
function missing(environment: TokenSearch['environment']): Fault {
  if (environment['GITHUB_ACTIONS'] === 'true') {
    return new Fault('TOKEN_MISSING', {
      what: 'The job may not ask GitHub for an identity token.',
      expected: 'the permission id-token: write',
      next: 'add "permissions: { id-token: write }" to the job that signs',
    });
  }
  if (environment['GITLAB_CI'] === 'true') {
    return new Fault('TOKEN_MISSING', {
      what: 'The job has no identity token.',
      expected: 'id_tokens with SIGSTORE_ID_TOKEN and aud: sigstore',
      next: 'add "id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }" to the job that signs',
    });
  }
  return new Fault('TOKEN_MISSING', {
    what: 'No identity token is to be found.',
    expected: 'SIGSTORE_ID_TOKEN, --identity-token FILE, or a CI job that may ask for one',
    next: 'set SIGSTORE_ID_TOKEN, sign with --key FILE, or try it here with --local',
  });
}

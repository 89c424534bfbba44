import { gzipSync } from 'node:zlib';
import { Fault } from '../../ground/fault/fault.ts';
import { excerpt, readBytes } from '../../ground/http/body.ts';
import type { HttpClient } from '../../ground/http/client.ts';

/** Where findings are told of, and as whom. */
export interface GithubPlace {
  readonly api: URL;
  /** `acme/shop` */
  readonly repository: string;
  readonly token: string;
  readonly commit: string;
  /** `refs/heads/main` */
  readonly ref: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What a job of GitHub knows of itself. */
export function readGithubPlace(env: Environment): GithubPlace {
  const value = (name: string, pattern: RegExp): string => {
    const text = env[name] ?? '';
    if (pattern.test(text)) return text;
    throw new Fault('USAGE', {
      what: `${name} ${text === '' ? 'is not set' : 'is not what GitHub sets it to'}`,
      expected: 'a job of GitHub Actions whose step has env: { GITHUB_TOKEN: ${{ github.token }} }',
    });
  };
  const api = env['GITHUB_API_URL'] || 'https://api.github.com';
  if (!URL.canParse(api))
    throw new Fault('USAGE', { what: 'GITHUB_API_URL is no address', actual: api.slice(0, 200) });
  return {
    api: new URL(api),
    repository: value('GITHUB_REPOSITORY', /^[\w.-]{1,100}\/[\w.-]{1,100}$/),
    token: value('GITHUB_TOKEN', /^[\x21-\x7e]{1,1000}$/),
    commit: value('GITHUB_SHA', /^[0-9a-f]{40}$/),
    ref: value('GITHUB_REF', /^refs\/(?:heads|tags|pull)\/[\x21-\x7e]{1,250}$/),
  };
}

/** What GitHub takes, packed (10 MB); what it answers is small. */
const largestUpload = 10_000_000;
const largestAnswer = 1024 * 1024;

/** Hands findings to code scanning; gives the id under which GitHub takes them in. */
export async function uploadSarif(
  sarif: string,
  place: GithubPlace,
  http: HttpClient,
  o: { readonly name: string; readonly signal?: AbortSignal },
): Promise<string> {
  const packed = gzipSync(sarif).toString('base64');
  if (packed.length > largestUpload)
    throw new Fault('LIMIT_EXCEEDED', {
      what: `the findings of ${o.name} are more than GitHub takes at once`,
      expected: `at most ${largestUpload} bytes, packed`,
      actual: `${packed.length} bytes`,
    });
  const body = JSON.stringify({
    commit_sha: place.commit,
    ref: place.ref,
    sarif: packed,
    tool_name: 'cascadeguard',
  });
  const answer = await ask('POST', 'code-scanning/sarifs', place, http, { ...o, body });
  const { id } = answer as { readonly id?: unknown };
  if (typeof id === 'string' && /^[\w-]{1,200}$/.test(id)) return id;
  throw new Fault('PROTOCOL', {
    what: 'GitHub took findings and does not say as what',
    where: place.api.host,
  });
}

export type SarifStatus = 'complete' | 'pending';

/** Whether they were taken in: GitHub looks at them after it has answered. */
export async function readSarifStatus(
  id: string,
  place: GithubPlace,
  http: HttpClient,
  o: { readonly name: string; readonly signal?: AbortSignal },
): Promise<SarifStatus> {
  const answer = await ask('GET', `code-scanning/sarifs/${id}`, place, http, o);
  const { processing_status: status, errors } = answer as {
    readonly processing_status?: unknown;
    readonly errors?: unknown;
  };
  if (status === 'failed')
    throw new Fault('FORGE_REFUSED', {
      what: `GitHub did not take in the findings of ${o.name}`,
      where: place.repository,
      actual: excerpt(Buffer.from(JSON.stringify(errors ?? 'no reason given'))),
    });
  return status === 'complete' ? 'complete' : 'pending';
}

async function ask(
  method: 'GET' | 'POST',
  path: string,
  { api, repository, token }: GithubPlace,
  http: HttpClient,
  o: { readonly name: string; readonly body?: string; readonly signal?: AbortSignal },
): Promise<unknown> {
  const response = await http.request({
    method,
    url: new URL(`${api.href.replace(/\/$/, '')}/repos/${repository}/${path}`),
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
      ...(o.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(o.body !== undefined && { body: Buffer.from(o.body) }),
    what: `the findings of ${o.name}`,
    ...(o.signal !== undefined && { signal: o.signal }),
  });
  const bytes = await readBytes(response, largestAnswer);
  if (response.status < 200 || response.status > 299)
    throw refusal(response.status, excerpt(bytes).replaceAll(token, '…'), repository, o.name);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {}
  throw new Fault('PROTOCOL', {
    what: `${response.url.host} answered something that is no JSON object`,
    where: path,
    actual: excerpt(bytes),
  });
}

function refusal(status: number, said: string, repository: string, name: string): Fault {
  const isHidden = status === 401 || status === 403 || status === 404;
  return new Fault('FORGE_REFUSED', {
    what: `GitHub does not take the findings of ${name}`,
    where: repository,
    actual: `${status}: ${said}`,
    ...(isHidden && {
      next: 'give the job security-events: write, and turn on code scanning in the settings of the repository',
    }),
  });
}

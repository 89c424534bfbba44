import { Fault } from '../../../../ground/fault/fault.ts';
import { isLoopbackName } from '../../../../ground/http/address.ts';
import { readJson } from '../../../../ground/http/body.ts';
import type { HttpClient } from '../../../../ground/http/client.ts';
import { parseUrl, redactUrl } from '../../../../ground/http/redact-url.ts';
import type { HttpResponse } from '../../../../ground/http/send.ts';
import { basicHeader, type Credential } from '../../credentials/credential.ts';
import type { Challenge } from './challenge.ts';

export interface Token {
  readonly header: string;
  /** Milliseconds since 1970; a little before the server's own end. */
  readonly renewAt: number;
}

export interface TokenRequest {
  readonly http: HttpClient;
  readonly registry: URL;
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  readonly signal?: AbortSignal;
}

const clientId = 'cascadeguard';
const largestAnswer = 1024 * 1024;
const defaultLifetime = 60;
const renewEarly = 10_000;

/** Gets a token from the service that a challenge names (distribution token specification, both grants). */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const realm = checkRealm(request);
  const answer =
    request.credential?.kind === 'identity'
      ? await refresh(realm, request, request.credential)
      : await ask(realm, request, passwordHeader(request.credential));
  if (answer.status !== 200) throw await refused(answer, request);
  return readToken(await readJson(answer, largestAnswer), request);
}

/** Credentials go where the registry says, but never in the clear and never from outside into this machine. */
function checkRealm({ http, registry, challenge }: TokenRequest): URL {
  const text = challenge.parameters['realm'] ?? '';
  const realm = parseUrl(text);
  const isSafe =
    realm !== undefined &&
    (realm.protocol === 'https:' ||
      (realm.protocol === 'http:' && registry.protocol === 'http:' && http.mayUseHttp(realm.host))) &&
    (!isLoopbackName(realm.hostname) || isLoopbackName(registry.hostname));
  if (realm !== undefined && isSafe) {
    realm.username = '';
    realm.password = '';
    return realm;
  }
  throw new Fault('REDIRECT_REFUSED', {
    what: `${registry.host} names a token service that cg does not send credentials to`,
    where: redactUrl(registry),
    expected: 'an https URL',
    actual: redactUrl(text),
  });
}

async function ask(
  realm: URL,
  { http, challenge, scopes, signal }: TokenRequest,
  header?: string,
): Promise<HttpResponse> {
  const url = new URL(realm);
  const service = challenge.parameters['service'];
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return await http.request({
    url,
    headers: { accept: 'application/json', ...(header !== undefined && { authorization: header }) },
    what: 'a token',
    whole: largestAnswer,
    ...(signal !== undefined && { signal }),
  });
}

async function refresh(
  realm: URL,
  request: TokenRequest,
  { token, username }: Credential & { kind: 'identity' },
): Promise<HttpResponse> {
  const { http, challenge, scopes, signal } = request;
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: clientId,
  });
  const service = challenge.parameters['service'];
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const answer = await http.request({
    method: 'POST',
    url: realm,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
    isSecretBody: true,
    what: 'a token',
    ...(signal !== undefined && { signal }),
  });
  if (answer.status !== 404 && answer.status !== 405) return answer;
  answer.discard();
  return await ask(realm, request, basicHeader(username ?? '<token>', token));
}

function passwordHeader(credential: Credential | undefined): string | undefined {
  return credential?.kind === 'password' ? basicHeader(credential.username, credential.password) : undefined;
}

function readToken(value: unknown, { http, challenge }: TokenRequest): Token {
  const { token, access_token, expires_in, issued_at } = (value ?? {}) as Record<string, unknown>;
  const text = typeof token === 'string' && token !== '' ? token : access_token;
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(text)) {
    throw new Fault('PROTOCOL', {
      what: 'the token service answered without a token',
      where: redactUrl(challenge.parameters['realm'] ?? ''),
      expected: '"token" or "access_token"',
    });
  }
  const lifetime = typeof expires_in === 'number' && expires_in > 0 ? expires_in : defaultLifetime;
  const now = http.timing.now();
  const issued = typeof issued_at === 'string' ? Date.parse(issued_at) : Number.NaN;
  // A clock of the server that is ahead must not lengthen the life of a token.
  const start = Number.isNaN(issued) ? now : Math.min(issued, now);
  const renewAt = start + lifetime * 1000 - renewEarly;
  // A server clock that is far behind would make every token look old.
  return { header: `Bearer ${text}`, renewAt: renewAt > now ? renewAt : now + Math.max(0, lifetime * 500) };
}

async function refused(answer: HttpResponse, { registry, scopes, credential }: TokenRequest): Promise<Fault> {
  answer.discard();
  const where = redactUrl(answer.url);
  const source = credential?.source ?? 'no credentials';
  if (answer.status === 401 || answer.status === 403 || answer.status === 400) {
    return new Fault(answer.status === 403 ? 'DENIED' : 'UNAUTHORIZED', {
      what: `the token service of ${registry.host} did not accept ${credential === undefined ? 'a stranger' : `the credentials from ${source}`}`,
      where,
      expected: `access to ${scopes.join(' ') || registry.host}`,
      actual: `${answer.status}, with ${source}`,
      next: `cg login ${registry.host}`,
    });
  }
  if (answer.status === 429) {
    return new Fault('RATE_LIMITED', {
      what: `the token service of ${registry.host} wants fewer requests`,
      where,
      actual: '429',
    });
  }
  return new Fault(answer.status >= 500 ? 'NETWORK' : 'PROTOCOL', {
    what: `the token service of ${registry.host} gave no token`,
    where,
    expected: '200',
    actual: String(answer.status),
  });
}

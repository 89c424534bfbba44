import { Fault } from '../fault/fault.ts';
import { isLoopbackName } from './address.ts';
import { parseUrl, redactUrl } from './redact-url.ts';

export const maxRedirects = 5;
const followed = new Set([301, 302, 307, 308]);
const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-registry-auth']);

/** 303 means "look at another page", which is never the answer of a registry, so it is handed back. */
export function isRedirect(status: number): boolean {
  return followed.has(status);
}

export type Headers = Readonly<Record<string, string>>;

/** Where a redirect leads, when it may be followed: never from https to http, except where http was allowed anyway. */
export function nextHop(from: URL, location: string | undefined, mayUseHttp: (host: string) => boolean): URL {
  const to = location === undefined ? undefined : parseUrl(location, from);
  if (to === undefined) throw refuse(from, 'a redirect to nowhere', location);
  checkHop(from, to, mayUseHttp);
  to.username = '';
  to.password = '';
  return to;
}

/** Throws when `from` may not send us to `to`, be it by a redirect, a Location or a Link. */
export function checkHop(from: URL, to: URL, mayUseHttp: (host: string) => boolean): void {
  if (to.protocol !== 'https:' && to.protocol !== 'http:')
    throw refuse(from, 'a redirect to another scheme', to.protocol);
  if (to.protocol === 'http:' && from.protocol === 'https:')
    throw refuse(from, 'a redirect from https to http', redactUrl(to));
  if (to.protocol === 'http:' && !mayUseHttp(to.host))
    throw refuse(from, 'a redirect to plain http', redactUrl(to));
  if (isLoopbackName(to.hostname) && !isLoopbackName(from.hostname)) {
    throw refuse(from, 'a redirect into this machine', redactUrl(to));
  }
}

/** What may be told to the next hop: to another origin (scheme, host, port) no credentials go. */
export function headersFor(to: URL, from: URL, headers: Headers): Headers {
  if (to.origin === from.origin) return headers;
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !secretHeaders.has(name.toLowerCase())),
  );
}

function refuse(from: URL, what: string, actual: string | undefined): Fault {
  return new Fault('REDIRECT_REFUSED', {
    what: `${from.host} answered with ${what}`,
    where: redactUrl(from),
    ...(actual !== undefined && { actual: actual.slice(0, 200) }),
  });
}

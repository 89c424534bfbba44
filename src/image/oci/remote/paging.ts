import { Fault } from '../../../ground/fault/fault.ts';
import { readSizedJson } from '../../../ground/http/body.ts';
import { parseUrl, redactUrl } from '../../../ground/http/redact-url.ts';
import type { HttpResponse } from '../../../ground/http/send.ts';
import { largestManifestRead } from '../content.ts';
import type { RegistryCall, RegistrySession } from './session.ts';

const mostPages = 1000;
/** A hundred thousand descriptors of ordinary size. */
const mostListBytes = 32 * 1024 * 1024;

/** The target of `rel="next"` in a `Link` header (RFC 8288); undefined when there is none. */
export function parseNextLink(header: string | string[] | undefined): string | undefined {
  const text = (Array.isArray(header) ? header.join(',') : (header ?? '')).slice(0, 16_384);
  for (const match of text.matchAll(/<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g)) {
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/i.exec(match[2] ?? '');
    const names = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes('next')) return match[1];
  }
  return undefined;
}

/** Follows a paged list to its end, with the same credentials and never to another origin. */
export async function* readPages(
  session: RegistrySession,
  first: HttpResponse,
  call: RegistryCall,
): AsyncGenerator {
  const seen = new Set<string>([first.url.href]);
  let response = first;
  let left = mostListBytes;
  for (let page = 1; ; page++) {
    const next = nextPage(response);
    const { value, size } = await readSizedJson(response, largestManifestRead);
    left -= size;
    if (left < 0) throw endless(session, response, `more than ${mostListBytes} bytes`);
    yield value;
    if (next === undefined) return;
    if (seen.has(next.href)) throw endless(session, response, 'a page that was already read');
    if (page === mostPages) throw endless(session, response, `more than ${mostPages} pages`);
    seen.add(next.href);
    response = await session.call({ ...call, path: next, accept: [200] });
  }
}

function nextPage(response: HttpResponse): URL | undefined {
  const target = parseNextLink(response.headers.link);
  const url = target === undefined ? undefined : parseUrl(target, response.url);
  if (target === undefined) return undefined;
  if (url?.host === response.url.host) return new URL(`${response.url.origin}${url.pathname}${url.search}`);
  throw new Fault('PROTOCOL', {
    what: `${response.url.host} continues a list at another place`,
    where: redactUrl(response.url),
    actual: redactUrl(url ?? target),
  });
}

function endless(session: RegistrySession, response: HttpResponse, actual: string): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: `a list of ${session.name} does not end`,
    where: redactUrl(response.url),
    actual,
  });
}

import { readBytes } from '../../../ground/http/body.ts';
import type { HttpClient } from '../../../ground/http/client.ts';
import type { Http } from './http.ts';

const largestReply = 16 * 1024 * 1024;

/** Speaks to Sigstore's services with the manners of our HTTP client: limits, retries, proxies. */
export function clientHttp(client: HttpClient): Http {
  return async ({ method, url, headers, body }, { signal } = {}) => {
    const response = await client.request({
      method,
      url: new URL(url),
      headers,
      ...(body !== undefined && { body: Buffer.from(body) }),
      ...(signal !== undefined && { signal }),
    });
    const replied = Object.entries(response.headers).map(
      ([name, value]) => [name, value?.toString()] as const,
    );
    return {
      status: response.status,
      headers: Object.fromEntries(replied),
      body: await readBytes(response, largestReply),
    };
  };
}

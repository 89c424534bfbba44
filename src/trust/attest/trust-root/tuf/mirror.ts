import { Fault } from '../../../../ground/fault/fault.ts';
import { readBytes } from '../../../../ground/http/body.ts';
import type { HttpClient } from '../../../../ground/http/client.ts';
import { redactUrl } from '../../../../ground/http/redact-url.ts';
import type { Source } from './refresh.ts';

const longest = 60_000;

/** A repository behind a web address. What it sends is worth nothing until it is checked. */
export function mirrorSource(
  http: HttpClient,
  base: URL,
  o: { readonly signal?: AbortSignal; readonly longest?: number } = {},
): Source {
  const folder = base.pathname.endsWith('/') ? base : new URL(`${base.href}/`);
  return async (file, limit) => {
    const url = new URL(file, folder);
    const tooLate = AbortSignal.timeout(o.longest ?? longest);
    const signal = o.signal === undefined ? tooLate : AbortSignal.any([o.signal, tooLate]);
    try {
      const response = await http.request({ url, signal, what: `the trust metadata ${file}` });
      if (response.status === 200) return await readBytes(response, limit);
      response.discard();
      // Object stores say "forbidden" of what does not exist to those who may not list.
      if (response.status === 404 || response.status === 403) return undefined;
      throw unreachable(url, `it answered with status ${response.status}`);
    } catch (error) {
      if (tooLate.aborted && o.signal?.aborted !== true) throw unreachable(url, 'it took too long', error);
      throw error;
    }
  };
}

function unreachable(url: URL, why: string, cause?: unknown): Fault {
  return new Fault('NETWORK', {
    what: `The trust repository did not deliver a file: ${why}`,
    where: redactUrl(url),
    ...(cause !== undefined && { cause }),
  });
}

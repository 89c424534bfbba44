import { Agent as PlainAgent, request as requestPlain } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Http, HttpReply, HttpRequest, ServiceCall } from './http.ts';

const limits = { reply: 16 * 1024 * 1024, silence: 60_000 } as const;

/** HTTP by Node's own client, with connections that are kept for the next request. */
export function nodeHttp(): Http {
  const agents = { plain: new PlainAgent({ keepAlive: true }), secure: new SecureAgent({ keepAlive: true }) };
  return async (request, o = {}) => {
    try {
      return await exchange(request, o, agents);
    } catch (cause) {
      if (o.signal?.aborted === true || cause instanceof Fault) throw cause;
      throw new Fault('SIGSTORE_REFUSED', {
        what: `${new URL(request.url).host} could not be reached.`,
        where: placeOf(request.url),
        cause,
      });
    }
  };
}

/** A URL without what may be secret. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function exchange(
  { method, url, headers, body }: HttpRequest,
  { signal }: ServiceCall,
  agents: { readonly plain: PlainAgent; readonly secure: SecureAgent },
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, ...(signal !== undefined && { signal }) };
    const request = url.startsWith('https:')
      ? requestSecure(url, { ...options, agent: agents.secure })
      : requestPlain(url, { ...options, agent: agents.plain });
    request.setTimeout(limits.silence, () => request.destroy(new Error('no answer within 60 seconds')));
    request.once('error', reject);
    request.once('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > limits.reply) request.destroy(new Error('the answer is larger than 16 MiB'));
        chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        const replied = Object.entries(response.headers).map(
          ([name, value]) => [name, String(value)] as const,
        );
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(replied),
          body: Buffer.concat(chunks),
        });
      });
    });
    request.end(body);
  });
}

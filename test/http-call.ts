import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  json(): Record<string, unknown>;
  /** The first code of an error body. */
  code(): string | undefined;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One request whose path is sent byte by byte as given: no normalising of `..` or of percent signs. */
export function call(base: string, method: string, path: string, ask: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const body = typeof ask.body === 'string' ? Buffer.from(ask.body) : ask.body;
    const isWhole = body instanceof Uint8Array;
    const length = isWhole ? { 'content-length': String(body.length) } : {};
    const nothing =
      body === undefined && method !== 'GET' && method !== 'HEAD' ? { 'content-length': '0' } : {};
    const headers = { ...nothing, ...length, ...ask.headers };
    const sent = request({ agent, hostname, port, method, path, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks)));
      });
    });
    sent.on('error', reject);
    if (body === undefined || isWhole) sent.end(body);
    else void sendStream(sent, body).catch(reject);
  });
}

async function sendStream(sent: ReturnType<typeof request>, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) sent.write(chunk);
  sent.end();
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  const json = (): Record<string, unknown> => JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const code = (): string | undefined => {
    try {
      return (json().errors as { code: string }[])[0]?.code;
    } catch {
      return undefined;
    }
  };
  return { status, headers, body, json, code };
}

/** Sends bytes on a new connection and resolves when the server closes it. */
export function untilClosed(port: number, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    socket.on('error', error =>
      'code' in error && error.code === 'ECONNREFUSED' ? reject(error) : resolve(),
    );
    socket.on('close', () => resolve());
    socket.resume();
  });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from './refusal.ts';

export type Headers = Readonly<Record<string, string | number>>;

const jsonType = 'application/json';
/** How much of a refused body is read and thrown away so that the client gets to read the answer. */
const drainLimit = 8 * 1024 * 1024;
const drainTime = 2_000;
/** A refused body that is larger than this costs the client its connection. */
const keepAliveDrain = 1024 * 1024;

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Who asks, once that is known. */
  user: string | undefined;
  #received = 0;
  #sent = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.query = mark === -1 ? noQuery : new URLSearchParams(url.slice(mark + 1, mark + 4_097));
  }

  get received(): number {
    return this.#received;
  }

  get sent(): number {
    return this.#sent;
  }

  get isHead(): boolean {
    return this.method === 'HEAD';
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** The announced length of the body; undefined when it is sent in chunks. */
  get length(): number | undefined {
    const text = this.header('content-length');
    return text === undefined ? undefined : Number(text);
  }

  get hasBody(): boolean {
    return this.header('transfer-encoding') !== undefined || (this.length ?? 0) > 0;
  }

  async *body(limit: number, tooLarge: () => Refusal): AsyncGenerator<Buffer> {
    if ((this.length ?? 0) > limit) throw tooLarge();
    // Leaving the loop must not destroy the connection: the client has to hear why.
    for await (const chunk of this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      this.#received += chunk.length;
      if (this.#received > limit) throw tooLarge();
      yield chunk;
    }
    if (!this.request.complete) throw new Refusal(400, 'SIZE_INVALID', 'the body was cut off');
  }

  empty(status: number, headers: Headers = {}): void {
    this.response.writeHead(status, status === 204 ? headers : { 'content-length': 0, ...headers });
    this.response.end();
  }

  bytes(status: number, body: Uint8Array, headers: Headers): void {
    this.response.writeHead(status, { 'content-length': body.length, ...headers });
    if (this.isHead) {
      this.response.end();
      return;
    }
    this.#sent += body.length;
    this.response.end(body);
  }

  json(status: number, value: unknown, headers: Headers = {}): void {
    this.bytes(status, Buffer.from(JSON.stringify(value)), { 'content-type': jsonType, ...headers });
  }

  countSent(bytes: number): void {
    this.#sent += bytes;
  }

  refuse(refusal: Refusal): void {
    if (this.response.headersSent) {
      // The status is out already; a cut connection is the only way left to say that the body is not whole.
      this.request.destroy();
      return;
    }
    if (this.hasBody && !this.request.complete) this.#drain();
    const body = Buffer.from(refusal.toJson());
    this.bytes(refusal.status, body, { 'content-type': jsonType, ...refusal.headers });
  }

  /** Reads on for a while, so that the client gets to the answer instead of a broken connection. */
  #drain(): void {
    const { request, response } = this;
    if ((this.length ?? Number.POSITIVE_INFINITY) > keepAliveDrain) response.shouldKeepAlive = false;
    let drained = 0;
    const timer = setTimeout(() => request.destroy(), drainTime);
    timer.unref();
    request.on('data', (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > drainLimit) request.destroy();
    });
    request.once('close', () => clearTimeout(timer));
    request.once('end', () => clearTimeout(timer));
    request.once('error', () => undefined);
    request.resume();
  }
}

const noQuery = new URLSearchParams();

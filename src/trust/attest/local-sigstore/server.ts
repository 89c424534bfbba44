import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServiceReply, ServiceRequest } from './routes.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const maxBodySize = 64 * 1024 * 1024;

/** A plain HTTP server on the loopback interface; who answers is decided once it listens. */
export class LoopbackServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.url = `http://${host}:${(server.address() as AddressInfo).port}`;
  }

  static async listen(
    address: Address,
    handle: (request: ServiceRequest) => Promise<ServiceReply>,
  ): Promise<LoopbackServer> {
    const server = createServer((request, response) => {
      void serve(request, response, handle);
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(address.port, address.host, done);
    });
    return new LoopbackServer(server, address.host);
  }

  async close(): Promise<void> {
    await new Promise<void>(done => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: ServiceRequest) => Promise<ServiceReply>,
): Promise<void> {
  try {
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413, { Connection: 'close' }).end();
      return;
    }
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const reply = await handle({
      method: request.method ?? '',
      path: pathname,
      headers: request.headers,
      body,
    });
    response.writeHead(reply.status, {
      ...reply.headers,
      'Content-Length': Buffer.byteLength(reply.body),
    });
    response.end(reply.body);
  } catch {
    // The client hung up or sent an address that is none.
    if (!response.headersSent) response.writeHead(400);
    response.end();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodySize) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findIntruder } from '../../../ground/http/visit.ts';
import { largestBodyOf, type ServiceReply, type ServiceRequest } from './routes.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Bodies of all requests together; whoever comes when it is used up comes again. */
const maxBytesInHand = 256 * 1024 * 1024;

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
    const hand: Hand = { bytes: 0 };
    const server = createServer((request, response) => {
      void serve(request, response, handle, hand);
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

interface Hand {
  bytes: number;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: ServiceRequest) => Promise<ServiceReply>,
  hand: Hand,
): Promise<void> {
  const refuse = (status: number, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { ...headers, Connection: 'close' }).end();
  };
  let taken = 0;
  try {
    const { host, origin, 'sec-fetch-site': site } = request.headers;
    const visit = { host, origin, site: site?.toString() };
    if (findIntruder(visit, { loopbackOnly: true, allowed: [] }) !== undefined) return refuse(403);
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) {
      taken += chunk.length;
      hand.bytes += chunk.length;
      if (taken > largestBodyOf(method, pathname)) return refuse(413);
      if (hand.bytes > maxBytesInHand) return refuse(503, { 'Retry-After': '1' });
      chunks.push(chunk);
    }
    const { headers } = request;
    const reply = await handle({ method, path: pathname, headers, body: Buffer.concat(chunks) });
    response.writeHead(reply.status, {
      ...reply.headers,
      'Content-Length': Buffer.byteLength(reply.body),
    });
    response.end(reply.body);
  } catch {
    // The client hung up or sent an address that is none.
    if (!response.headersSent) response.writeHead(400);
    response.end();
  } finally {
    hand.bytes -= taken;
  }
}

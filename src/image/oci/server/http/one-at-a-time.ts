import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on one connection. Clients that send several at once are rare; more is an attack. */
const mostWaiting = 16;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Works on one request of a connection at a time. The answers leave in order anyway (RFC 9112 §9.3.2), so
 * beginning the next one early gains nothing, but each would hold its file and its buffer while it waits.
 */
export function oneAtATime(handle: Handler): Handler {
  const lines = new WeakMap<Socket, (() => void)[]>();
  return (request, response) => {
    const { socket } = request;
    const begin = (): void => {
      response.once('close', next);
      handle(request, response);
    };
    const next = (): void => {
      const following = lines.get(socket)?.shift();
      if (following === undefined || socket.destroyed) lines.delete(socket);
      else following();
    };
    const line = lines.get(socket);
    if (line === undefined) {
      lines.set(socket, []);
      begin();
    } else if (line.length < mostWaiting) line.push(begin);
    else socket.destroy();
  };
}

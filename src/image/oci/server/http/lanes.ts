import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Real clients hardly pipeline; who sends more requests than this without reading answers means no good. */
const mostWaiting = 16;

interface Lane {
  turn: Promise<void>;
  waiting: number;
}

/**
 * One request of a connection is worked on at a time, and the next one only when the answer before it is out:
 * pipelined requests cost nothing until it is their turn, however many there are.
 */
export class Lanes {
  readonly #lanes = new WeakMap<Socket, Lane>();

  async run(request: IncomingMessage, response: ServerResponse, work: () => Promise<void>): Promise<void> {
    const lane = this.#laneOf(request.socket);
    if (lane.waiting >= mostWaiting) {
      request.socket.destroy();
      return;
    }
    lane.waiting++;
    const mine = lane.turn.then(async () => {
      try {
        if (request.socket.destroyed) return;
        await work();
        await answered(response);
      } finally {
        lane.waiting--;
      }
    });
    lane.turn = mine.catch(() => undefined);
    await mine;
  }

  #laneOf(socket: Socket): Lane {
    const known = this.#lanes.get(socket);
    if (known !== undefined) return known;
    const lane: Lane = { turn: Promise.resolve(), waiting: 0 };
    this.#lanes.set(socket, lane);
    return lane;
  }
}

/** Until the whole answer is with the system, or nobody is there to take it. */
function answered(response: ServerResponse): Promise<void> {
  if (response.writableFinished || response.destroyed || response.closed) return Promise.resolve();
  return new Promise(resolve => {
    response.once('finish', resolve);
    response.once('close', resolve);
  });
}

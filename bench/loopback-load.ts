import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly head: string;
}

/** A connection that sends prepared bytes and reads one answer; it looks at as little of it as it can. */
class Connection {
  readonly #socket: Socket;
  #head = '';
  #left = -1;
  #status = 0;
  #isHead = false;
  #done: ((reply: Reply) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', chunk => this.#take(chunk));
    socket.on('error', error => this.#fail?.(error));
    socket.on('close', () => this.#fail?.(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
      socket.once('error', reject);
    });
  }

  ask(request: Uint8Array, isHead: boolean): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#isHead = isHead;
      this.#head = '';
      this.#left = -1;
      this.#done = resolve;
      this.#fail = reject;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#done = this.#fail = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#left >= 0) {
      this.#count(chunk.length);
      return;
    }
    const text = this.#head + chunk.toString('latin1', 0, Math.min(chunk.length, 4096));
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) {
      this.#head = text;
      return;
    }
    const consumed = end + 4 - this.#head.length;
    this.#head = text.slice(0, end);
    this.#status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1];
    this.#left = this.#isHead || this.#status === 204 ? 0 : Number(length ?? 0);
    this.#count(chunk.length - consumed);
  }

  #count(bytes: number): void {
    this.#left -= bytes;
    if (this.#left <= 0) this.#done?.({ status: this.#status, head: this.#head });
  }
}

export type Session = (
  ask: (request: Uint8Array, isHead?: boolean) => Promise<Reply>,
  turn: number,
) => Promise<void>;

/** Runs `turns` sessions over `connections` connections and says how many per second were done. */
export async function measureRate(
  port: number,
  connections: number,
  turns: number,
  session: Session,
): Promise<number> {
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  let next = 0;
  const started = performance.now();
  await Promise.all(
    opened.map(async connection => {
      for (let turn = next++; turn < turns; turn = next++) {
        await session((request, isHead = false) => connection.ask(request, isHead), turn);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const connection of opened) connection.close();
  return turns / seconds;
}

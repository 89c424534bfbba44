import { close, open, read } from 'node:fs';
import type { ServerResponse } from 'node:http';

const chunkSize = 1024 * 1024;
const poolLimit = 64;
const pool: Buffer[] = [];

/**
 * Sends bytes `first` to `first + length - 1` of a file as the body of an answer whose head is already written,
 * and ends the answer. Reads of 1 MiB into buffers that are used again; the next read starts when the socket has
 * taken the last one, so a slow reader costs one buffer. Callbacks instead of promises: this is the hot path.
 *
 * Resolves to the number of bytes that the socket took, fewer than `length` when the reader went away, which is
 * no failure of ours. Rejects when the file cannot be read or is shorter than promised.
 */
export function sendFile(
  path: string,
  response: ServerResponse,
  first: number,
  length: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (error, descriptor) => {
      if (error) reject(error);
      else new Transfer(descriptor, response, first, length, resolve, reject).start();
    });
  });
}

class Transfer {
  readonly #descriptor: number;
  readonly #response: ServerResponse;
  readonly #resolve: (sent: number) => void;
  readonly #reject: (problem: Error) => void;
  #position: number;
  #left: number;
  #sent = 0;
  #isReading = false;
  #ended: { readonly problem: Error | undefined } | undefined;

  constructor(
    descriptor: number,
    response: ServerResponse,
    first: number,
    length: number,
    resolve: (sent: number) => void,
    reject: (problem: Error) => void,
  ) {
    this.#descriptor = descriptor;
    this.#response = response;
    this.#position = first;
    this.#left = length;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#response.req.socket.once('close', this.#onClose);
    this.#response.once('close', this.#onClose);
    this.#pump();
  }

  readonly #onClose = (): void => this.#end(undefined);

  #pump(): void {
    if (this.#ended) return;
    const buffer = pool.pop() ?? Buffer.allocUnsafeSlow(chunkSize);
    this.#isReading = true;
    read(this.#descriptor, buffer, 0, Math.min(chunkSize, this.#left), this.#position, (error, count) => {
      this.#isReading = false;
      if (this.#ended) this.#close();
      else if (error) this.#end(error);
      else if (count === 0) this.#end(new Error('the file is shorter than it was'));
      else this.#write(buffer, count);
    });
  }

  #write(buffer: Buffer, count: number): void {
    this.#position += count;
    this.#left -= count;
    this.#response.write(count === chunkSize ? buffer : buffer.subarray(0, count), problem => {
      // Only now is the buffer free: until here the socket may still read from it.
      if (pool.length < poolLimit) pool.push(buffer);
      if (!problem) this.#sent += count;
      if (problem || this.#left === 0) this.#end(undefined);
      else this.#pump();
    });
    if (this.#left === 0) this.#response.end();
  }

  #end(problem: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = { problem };
    this.#response.req.socket.off('close', this.#onClose);
    this.#response.off('close', this.#onClose);
    if (!this.#isReading) this.#close();
  }

  #close(): void {
    const problem = this.#ended?.problem;
    close(this.#descriptor, () => {
      if (problem) this.#reject(problem);
      else this.#resolve(this.#sent);
    });
  }
}

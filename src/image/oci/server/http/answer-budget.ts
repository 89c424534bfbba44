import type { ServerResponse } from 'node:http';
import { Refusal } from './refusal.ts';

/** Answers up to this size always go: they fit into what a connection costs anyway. */
const smallAnswer = 64 * 1024;
/** A reader that takes longer than this gives its place to others when there is none left. */
const patience = 10_000;

interface Leaving {
  readonly bytes: number;
  readonly since: number;
  readonly response: ServerResponse;
}

/** Bounds the lists and manifests that wait in memory for slow readers, over all connections. */
export class AnswerBudget {
  readonly #limit: number;
  readonly #leaving = new Set<Leaving>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts an answer until it has left or its connection is gone. */
  take(bytes: number, response: ServerResponse): void {
    if (bytes <= smallAnswer) return;
    if (this.#bytes + bytes > this.#limit) this.#cutSlow(this.#bytes + bytes - this.#limit);
    if (this.#bytes + bytes > this.#limit) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many large answers are being read at once', {
        headers: { 'retry-after': '1' },
      });
    }
    const leaving = { bytes, since: performance.now(), response };
    this.#leaving.add(leaving);
    this.#bytes += bytes;
    response.once('close', () => this.#release(leaving));
  }

  /** Oldest first: a set keeps the order in which it was filled. */
  #cutSlow(bytes: number): void {
    const before = performance.now() - patience;
    let left = bytes;
    for (const leaving of this.#leaving) {
      if (left <= 0 || leaving.since > before) return;
      leaving.response.destroy();
      this.#release(leaving);
      left -= leaving.bytes;
    }
  }

  #release(leaving: Leaving): void {
    if (this.#leaving.delete(leaving)) this.#bytes -= leaving.bytes;
  }
}

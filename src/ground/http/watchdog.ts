/** Fewer bytes than this in a whole time limit is not progress but a server that keeps us busy. */
const leastBytes = 1024;

export class Stalled extends Error {
  constructor(milliseconds: number, bytes: number) {
    const got = bytes === 0 ? 'nothing' : `only ${bytes} bytes`;
    super(`${got} arrived within ${milliseconds / 1000} s`);
  }
}

/**
 * Watches the other side, and only while we wait for it: a slow disk or a slow second registry of ours
 * never counts against the server. It catches silence by a timer and slow dripping by counting.
 */
export class Watchdog {
  readonly #limit: number;
  readonly #bark: (error: Stalled) => void;
  /** Why it barked, when it did. */
  stalled: Stalled | undefined;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #waited = 0;
  #bytes = 0;

  constructor(limit: number, bark: (error: Stalled) => void) {
    this.#limit = limit;
    this.#bark = error => {
      this.stalled ??= error;
      bark(error);
    };
  }

  /** From here on the other side has to do something. */
  wait(times = 1): void {
    this.#since = performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#bark(new Stalled(this.#limit * times, 0)), this.#limit * times);
  }

  /** It did: this many bytes came. */
  rest(bytes = leastBytes): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waited += performance.now() - this.#since;
    this.#bytes += bytes;
    if (this.#waited < this.#limit) return;
    if (this.#bytes < leastBytes) this.#bark(new Stalled(this.#limit, this.#bytes));
    this.#waited = 0;
    this.#bytes = 0;
  }
}

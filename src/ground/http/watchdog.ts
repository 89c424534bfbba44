export class Stalled extends Error {
  constructor(milliseconds: number, bytes: number) {
    const got = bytes === 0 ? 'nothing' : `only ${bytes} bytes`;
    super(`${got} arrived within ${milliseconds / 1000} s`);
  }
}

/**
 * Watches the other side, and only while we wait for it: a slow disk or a slow second registry of ours
 * never counts against the server. It catches silence by a timer and slow dripping by counting. The timer is
 * not set anew for each piece of a body; when it fires too early it goes on for the rest.
 */
export class Watchdog {
  readonly #limit: number;
  /** Fewer bytes than this in a whole time limit is not progress but a server that keeps us busy. */
  readonly #least: number;
  readonly #bark: (error: Stalled) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Zero while nobody waits. */
  #since = 0;
  #allowed = 0;
  #waited = 0;
  #bytes = 0;
  /** Why it barked, when it did. */
  stalled: Stalled | undefined;

  /** `leastRate` is in bytes a second. */
  constructor(limit: number, leastRate: number, bark: (error: Stalled) => void) {
    this.#limit = limit;
    this.#least = (leastRate * limit) / 1000;
    this.#bark = bark;
  }

  /** From here on the other side has to do something. */
  wait(times = 1): void {
    this.#since = performance.now();
    this.#allowed = this.#limit * times;
    this.#timer ??= setTimeout(() => this.#look(), this.#allowed);
  }

  /** It did: this many bytes came. */
  rest(bytes = this.#least): void {
    if (this.#since === 0) return;
    this.#waited += performance.now() - this.#since;
    this.#since = 0;
    this.#bytes += bytes;
    if (this.#waited < this.#limit) return;
    if (this.#bytes < this.#least) this.#fail(new Stalled(this.#limit, this.#bytes));
    this.#waited = 0;
    this.#bytes = 0;
  }

  /** Nothing more is expected. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#since = 0;
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#since === 0) return;
    const left = this.#since + this.#allowed - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#look(), left);
    else this.#fail(new Stalled(this.#allowed, 0));
  }

  #fail(error: Stalled): void {
    this.stalled ??= error;
    this.#bark(error);
  }
}

import { Refusal } from '../http/refusal.ts';

/** What a name in the folder costs (a tag, a link, an open upload), whatever the file system makes of it. */
export const nameCost = 512;

/** Counts the bytes of a data folder and refuses what would go over its limit. */
export class Quota {
  readonly #limit: number | undefined;
  #used = 0;

  constructor(limit: number | undefined) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get limit(): number | undefined {
    return this.#limit;
  }

  /** Counts bytes before they are written, so that requests side by side cannot pass the limit together. */
  reserve(bytes: number): void {
    if (this.#limit !== undefined && this.#used + bytes > this.#limit) {
      throw new Refusal(507, 'DENIED', `the quota of this registry, ${this.#limit} bytes, is used up`, {
        detail: { used: this.#used, asked: bytes, quota: this.#limit },
      });
    }
    this.#used += bytes;
  }

  /** Says early what `reserve` would say later, for a body whose length is announced. */
  foresee(bytes: number): void {
    this.reserve(bytes);
    this.#used -= bytes;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used = Math.max(0, this.#used - bytes);
  }
}

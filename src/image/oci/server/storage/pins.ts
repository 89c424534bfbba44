import type { Digest } from '../../../../model/digest.ts';

/**
 * Keeps garbage collection away from content that a running request relies on.
 *
 * A request holds a digest before it looks whether the content is there, and lets go after it has written what
 * makes the content reachable. A collection opens an era; every digest that is held at its start or during it
 * stays. The collector asks `isUsed` and removes in the same turn of the event loop, so a request either held the
 * digest before (and it stays) or looks afterwards (and finds it gone, and says so to its client).
 */
export class Pins {
  readonly #held = new Map<Digest, number>();
  #used: Set<Digest> | undefined;

  async hold<T>(digests: readonly Digest[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) {
      this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
      this.#used?.add(digest);
    }
    try {
      return await work();
    } finally {
      for (const digest of digests) this.#release(digest);
    }
  }

  openEra(): void {
    this.#used = new Set(this.#held.keys());
  }

  closeEra(): void {
    this.#used = undefined;
  }

  isUsed(digest: Digest): boolean {
    return this.#used?.has(digest) ?? this.#held.has(digest);
  }

  #release(digest: Digest): void {
    const count = (this.#held.get(digest) ?? 1) - 1;
    if (count === 0) this.#held.delete(digest);
    else this.#held.set(digest, count);
  }
}

import type { RegistryOptions } from './options.ts';
import { type Collected, collectGarbage } from './storage/garbage.ts';
import type { RegistryStore } from './storage/registry-store.ts';

const expiryInterval = 10 * 60_000;

/** What a registry does besides answering: giving up old uploads and collecting garbage, one at a time. */
export class Maintenance {
  readonly #store: RegistryStore;
  readonly #grace: number;
  readonly #stop = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  #work: Promise<unknown> = Promise.resolve();

  constructor(store: RegistryStore, grace: number, o: RegistryOptions) {
    this.#store = store;
    this.#grace = grace;
    const report = (error: unknown): void => {
      if (!this.#stop.signal.aborted) o.onProblem?.(error);
    };
    const every = (milliseconds: number, work: () => Promise<unknown>): NodeJS.Timeout =>
      setInterval(() => void work().catch(report), milliseconds).unref();
    this.#timers = [
      ...(o.readOnly === true ? [] : [every(expiryInterval, () => store.uploads.expire())]),
      ...(o.gcInterval === undefined || o.readOnly === true
        ? []
        : [every(o.gcInterval, () => this.collect())]),
    ];
  }

  collect(o: { readonly untagged?: boolean } = {}): Promise<Collected> {
    const { signal } = this.#stop;
    const mine = this.#work.then(() => collectGarbage(this.#store, { ...o, grace: this.#grace, signal }));
    this.#work = mine.catch(() => undefined);
    return mine;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort();
    await this.#work;
  }
}

/**
 * A memory of what was read from disk, bounded in bytes; the least recently used goes first.
 *
 * A reader that fills the cache from disk while somebody else writes could put back what was just replaced.
 * So a reader takes the version before it reads and `fill` does nothing when anything was written since.
 */
export class BoundedCache<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  readonly #limit: number;
  readonly #bytesOf: (value: V) => number;
  #bytes = 0;
  #version = 0;

  constructor(limit: number, bytesOf: (value: V) => number) {
    this.#limit = limit;
    this.#bytesOf = bytesOf;
  }

  get version(): number {
    return this.#version;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Remembers what was just written. */
  put(key: string, value: V): void {
    this.drop(key);
    this.#insert(key, value);
  }

  /** Remembers what was read since `version`, unless something was written meanwhile. */
  fill(key: string, value: V, version: number): void {
    if (version === this.#version && !this.#entries.has(key)) this.#insert(key, value);
  }

  drop(key: string): void {
    this.#version++;
    this.#remove(key);
  }

  clear(): void {
    this.#version++;
    this.#entries.clear();
    this.#bytes = 0;
  }

  #insert(key: string, value: V): void {
    // The key and the bookkeeping of a map entry count too, or a million tiny values would cost nothing.
    const bytes = this.#bytesOf(value) + key.length * 2 + 96;
    if (bytes > this.#limit) return;
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

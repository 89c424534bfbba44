import {
  isTarExtension,
  parseTarHeader,
  type Refuse,
  readTarExtension,
  type TarHeader,
  type TarOverrides,
  tarBlock,
} from './tar-header.ts';

/** Takes the content of one entry, piece by piece; a piece is valid only during the call. */
export interface EntryReader {
  write(piece: Uint8Array): void;
  end(): void;
}

export interface TarLimits {
  readonly entries: number;
  /** All names together, as characters. */
  readonly names: number;
}

export const tarLimits: TarLimits = { entries: 1_000_000, names: 128 * 1024 * 1024 };

const longestExtension = 1024 * 1024;

/**
 * Walks a tar while it streams: bytes are pushed in as they come, and the content of an entry is handed on only to
 * the reader that was given for it. Nothing else is copied or kept.
 */
export class TarWalk {
  readonly #visit: (entry: TarHeader) => EntryReader | undefined;
  readonly #refuse: Refuse;
  readonly #limits: TarLimits;
  readonly #header = Buffer.alloc(tarBlock);
  #headerFilled = 0;
  #overrides: TarOverrides = {};
  #reader: EntryReader | undefined;
  #left = 0;
  #padding = 0;
  #entries = 0;
  #names = 0;
  #isOver = false;

  constructor(
    visit: (entry: TarHeader) => EntryReader | undefined,
    refuse: Refuse,
    limits: TarLimits = tarLimits,
  ) {
    this.#visit = visit;
    this.#refuse = refuse;
    this.#limits = limits;
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#isOver; ) {
      if (this.#left > 0) at += this.#content(chunk, at);
      else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skipped;
        at += skipped;
      } else at += this.#fillHeader(chunk, at);
    }
  }

  /** Throws when the archive was cut short; a missing end mark alone is common and harmless. */
  end(): void {
    if (this.#isOver) return;
    if (this.#left > 0 || this.#headerFilled > 0) throw this.#refuse('an archive that was cut short');
  }

  #content(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#reader?.write(chunk.subarray(at, at + taken));
    this.#left -= taken;
    if (this.#left === 0) this.#finish();
    return taken;
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(tarBlock - this.#headerFilled, chunk.length - at);
    this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled === tarBlock) this.#begin();
    return taken;
  }

  #begin(): void {
    this.#headerFilled = 0;
    const header = parseTarHeader(this.#header, this.#overrides, this.#refuse);
    if (header === undefined) {
      this.#isOver = true;
      return;
    }
    this.#count(header);
    this.#left = header.size;
    this.#padding = (tarBlock - (header.size % tarBlock)) % tarBlock;
    if (isTarExtension(header.type)) this.#reader = this.#extension(header);
    else if (header.type === 'g') this.#reader = undefined;
    else {
      this.#overrides = {};
      this.#reader = this.#visit(header);
    }
    if (this.#left === 0) this.#finish();
  }

  #count({ name, link }: TarHeader): void {
    this.#entries++;
    this.#names += name.length + link.length;
    if (this.#entries > this.#limits.entries) throw this.#refuse(`more than ${this.#limits.entries} entries`);
    if (this.#names > this.#limits.names) throw this.#refuse('names that are too long together');
  }

  #finish(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.end();
  }

  #extension({ type, size }: TarHeader): EntryReader {
    if (size > longestExtension) throw this.#refuse('a name that is too long');
    const pieces: Buffer[] = [];
    return {
      write: piece => void pieces.push(Buffer.from(piece)),
      end: () => {
        this.#overrides = { ...this.#overrides, ...readTarExtension(type, Buffer.concat(pieces)) };
      },
    };
  }
}

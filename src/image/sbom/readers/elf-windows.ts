import { goMagic } from './go-build-info.ts';

const headLength = 64;
const mostSections = 4096;
const mostBlocks = 64;
export const longestBlock = 1024 * 1024;

interface SectionTable {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
  readonly is64: boolean;
  readonly isBig: boolean;
}

/**
 * Watches an ELF file pass and keeps only what can be Go's build information, with the table of sections that says
 * whether it is: a binary may hold the same magic as data. A binary of any size costs a few megabytes at most.
 */
export class ElfWindows {
  #head = Buffer.alloc(0);
  #isElf: boolean | undefined;
  #table: SectionTable | undefined;
  #tableBytes = Buffer.alloc(0);
  #at = 0;
  #tail = Buffer.alloc(0);
  readonly #blocks: { readonly offset: number; pieces: Buffer[]; length: number }[] = [];
  #tooMany = false;

  get isElf(): boolean {
    return this.#isElf === true;
  }

  get hasTooManyBlocks(): boolean {
    return this.#tooMany;
  }

  write(piece: Uint8Array): void {
    if (this.#isElf === false) return;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    if (this.#head.length < headLength) this.#begin(bytes);
    this.#keepTable(bytes);
    this.#continueBlocks(bytes);
    this.#search(bytes);
    this.#at += bytes.length;
  }

  /** Blocks that begin a section; in a file without sections, every block. */
  blocks(): Buffer[] {
    const starts = this.#sectionStarts();
    const found = this.#blocks.filter(({ offset }) => starts === undefined || starts.has(offset));
    return found.map(({ pieces }) => Buffer.concat(pieces));
  }

  #begin(bytes: Buffer): void {
    this.#head = Buffer.concat([this.#head, bytes.subarray(0, headLength - this.#head.length)]);
    if (this.#head.length < 4) return;
    this.#isElf = this.#head.readUInt32BE(0) === 0x7f454c46;
    if (this.#isElf && this.#head.length === headLength) {
      this.#table = readTable(this.#head);
      if (this.#table !== undefined)
        this.#tableBytes = Buffer.alloc(this.#table.entrySize * this.#table.count);
    }
  }

  #keepTable(bytes: Buffer): void {
    if (this.#table === undefined) return;
    const start = this.#table.offset - this.#at;
    if (start >= bytes.length || start + this.#tableBytes.length <= 0) return;
    bytes.copy(this.#tableBytes, Math.max(0, -start), Math.max(0, start), start + this.#tableBytes.length);
  }

  #continueBlocks(bytes: Buffer): void {
    for (const block of this.#blocks) {
      if (block.length >= longestBlock) continue;
      const more = Buffer.from(bytes.subarray(0, longestBlock - block.length));
      block.pieces.push(more);
      block.length += more.length;
    }
  }

  #search(bytes: Buffer): void {
    // A magic that lies across two pieces is found where they meet.
    const seam = Buffer.concat([this.#tail, bytes.subarray(0, goMagic.length - 1)]);
    const seamStart = this.#at - this.#tail.length;
    const atSeam = seam.indexOf(goMagic);
    if (atSeam !== -1 && atSeam < this.#tail.length)
      this.#open(seamStart + atSeam, [Buffer.from(this.#tail.subarray(atSeam)), bytes]);
    for (let at = bytes.indexOf(goMagic); at !== -1; at = bytes.indexOf(goMagic, at + 1))
      this.#open(this.#at + at, [bytes.subarray(at)]);
    const kept = Buffer.concat([this.#tail, bytes.subarray(Math.max(0, bytes.length - goMagic.length + 1))]);
    this.#tail = Buffer.from(kept.subarray(Math.max(0, kept.length - goMagic.length + 1)));
  }

  #open(offset: number, pieces: readonly Buffer[]): void {
    if (offset % 16 !== 0) return;
    if (this.#blocks.length === mostBlocks) {
      this.#tooMany = true;
      return;
    }
    const start = Buffer.concat(pieces).subarray(0, longestBlock);
    this.#blocks.push({ offset, pieces: [Buffer.from(start)], length: start.length });
  }

  #sectionStarts(): ReadonlySet<number> | undefined {
    if (this.#table === undefined) return undefined;
    const { entrySize, count, is64, isBig } = this.#table;
    const starts = new Set<number>();
    for (let index = 0; index < count; index++) {
      const at = index * entrySize + (is64 ? 24 : 16);
      starts.add(readWord(this.#tableBytes, at, is64, isBig));
    }
    return starts;
  }
}

/** Undefined when the file says that it has no sections, or none that can be. */
function readTable(head: Buffer): SectionTable | undefined {
  const is64 = head[4] === 2;
  const isBig = head[5] === 2;
  const offset = readWord(head, is64 ? 40 : 32, is64, isBig);
  const [entrySize = 0, count = 0] = [is64 ? 58 : 46, is64 ? 60 : 48].map(at =>
    isBig ? head.readUInt16BE(at) : head.readUInt16LE(at),
  );
  if (offset === 0 || count === 0 || count > mostSections || entrySize !== (is64 ? 64 : 40)) return undefined;
  return { offset, entrySize, count, is64, isBig };
}

function readWord(bytes: Buffer, at: number, is64: boolean, isBig: boolean): number {
  if (!is64) return isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  const value = isBig ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

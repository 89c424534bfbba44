import { refuse } from './refuse.ts';

const magic = 0x00061561;
const hashPages: ReadonlySet<number> = new Set([2, 13]);
const overflowPage = 7;
const offPageValue = 3;
const pageHeader = 26;

/** The long values in a hash of Berkeley DB, which RPM used until 2021: each header lies in a chain of pages of its own. */
export function* readBerkeleyHash(file: Buffer): Generator<Buffer> {
  const pages = new Pages(file);
  let total = 0;
  for (let number = 1; number < pages.count; number++) {
    const page = pages.page(number);
    if (!hashPages.has(page[25] ?? 0)) continue;
    const entries = pages.u16(page, 20);
    if (pageHeader + entries * 2 > page.length) throw refuse('a Berkeley DB page with too many entries');
    for (let entry = 1; entry < entries; entry += 2) {
      const at = pages.u16(page, pageHeader + entry * 2);
      if (at + 12 > page.length || page[at] !== offPageValue) continue;
      const length = pages.u32(page, at + 8);
      total += length;
      if (total > file.length) throw refuse('a Berkeley DB that is larger than its file');
      yield readChain(pages, pages.u32(page, at + 4), length);
    }
  }
}

/** Each page takes some of the length away, so a circle ends with it. */
function readChain(pages: Pages, first: number, length: number): Buffer {
  const pieces: Buffer[] = [];
  let left = length;
  for (let number = first; left > 0; ) {
    const page = pages.page(number);
    const used = pages.u16(page, 22);
    if (page[25] !== overflowPage || used === 0 || pageHeader + used > page.length)
      throw refuse('a Berkeley DB with a broken chain');
    const piece = page.subarray(pageHeader, pageHeader + Math.min(used, left));
    pieces.push(piece);
    left -= piece.length;
    number = pages.u32(page, 16);
  }
  return Buffer.concat(pieces);
}

class Pages {
  readonly count: number;
  readonly #file: Buffer;
  readonly #size: number;
  readonly #isBig: boolean;

  constructor(file: Buffer) {
    if (file.length < 512) throw refuse('no Berkeley DB');
    this.#isBig = file.readUInt32BE(12) === magic;
    if (!this.#isBig && file.readUInt32LE(12) !== magic) throw refuse('no Berkeley DB that is a hash');
    this.#file = file;
    this.#size = this.u32(file, 20);
    if (this.#size < 512 || this.#size > 65_536 || (this.#size & (this.#size - 1)) !== 0)
      throw refuse('a Berkeley DB with odd pages');
    this.count = this.u32(file, 32) + 1;
    if (this.count * this.#size > file.length) throw refuse('a Berkeley DB that was cut short');
  }

  page(number: number): Buffer {
    const page = this.#file.subarray(number * this.#size, (number + 1) * this.#size);
    if (page.length !== this.#size) throw refuse('a Berkeley DB page outside of the file');
    return page;
  }

  u16(bytes: Buffer, at: number): number {
    return this.#isBig ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
  }

  u32(bytes: Buffer, at: number): number {
    return this.#isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  }
}

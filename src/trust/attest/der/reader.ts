import { DerError } from './der-error.ts';
import { parseTime } from './time.ts';

const maxDepth = 60;

/** One DER value; its members are read when they are asked for. */
export class DerValue {
  readonly tag: number;
  /** The whole encoding, tag and length included. */
  readonly raw: Buffer;
  readonly content: Buffer;
  readonly #depth: number;

  constructor(tag: number, raw: Buffer, content: Buffer, depth: number) {
    this.tag = tag;
    this.raw = raw;
    this.content = content;
    this.#depth = depth;
  }

  /** The members of a constructed value. */
  get members(): DerValue[] {
    if ((this.tag & 0x20) === 0) throw new DerError(`tag ${hex(this.tag)} has no members`);
    return readAll(this.content, this.#depth + 1);
  }

  member(index: number): DerValue {
    const found = this.members[index];
    if (found === undefined) throw new DerError(`member ${index} is missing`);
    return found;
  }

  is(tag: number): boolean {
    return this.tag === tag;
  }

  expect(tag: number): this {
    if (this.tag !== tag) throw new DerError(`tag ${hex(this.tag)} instead of ${hex(tag)}`);
    return this;
  }

  get sequence(): DerValue[] {
    return this.expect(0x30).members;
  }

  get set(): DerValue[] {
    return this.expect(0x31).members;
  }

  get octets(): Buffer {
    return this.expect(0x04).content;
  }

  get bits(): Buffer {
    const { content } = this.expect(0x03);
    const unused = content[0] ?? 255;
    if (unused > 7 || (unused > 0 && content.length === 1)) throw new DerError('a bit string is malformed');
    return content.subarray(1);
  }

  get integer(): bigint {
    const { content } = this.expect(0x02);
    if (content.length === 0 || content.length > 64) throw new DerError('an integer has an odd length');
    const [first = 0, second = 0] = content;
    if (content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new DerError('an integer is padded');
    }
    return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
  }

  get boolean(): boolean {
    const { content } = this.expect(0x01);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw new DerError('a boolean is neither true nor false');
    }
    return content[0] === 0xff;
  }

  /** Dotted decimal; arcs may be of any size. */
  get objectIdentifier(): string {
    return parseObjectIdentifier(this.expect(0x06).content);
  }

  get text(): string {
    if (![0x0c, 0x13, 0x16].includes(this.tag)) throw new DerError(`tag ${hex(this.tag)} is not a text`);
    return decodeUtf8(this.content);
  }

  get time(): Date {
    return parseTime(this.tag, this.content);
  }
}

/** Reads exactly one value that fills the bytes. */
export function readDer(bytes: Uint8Array): DerValue {
  const [value, ...rest] = readAll(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  if (value === undefined || rest.length > 0) throw new DerError('not exactly one value');
  return value;
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DerError('a text is not UTF-8', { cause });
  }
}

function readAll(bytes: Buffer, depth: number): DerValue[] {
  if (depth > maxDepth) throw new DerError(`values are nested more than ${maxDepth} deep`);
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = readAt(bytes, at, depth);
    values.push(value);
    at += value.raw.length;
  }
  return values;
}

function readAt(bytes: Buffer, at: number, depth: number): DerValue {
  const tag = bytes[at] ?? 0;
  if ((tag & 0x1f) === 0x1f || tag === 0) throw new DerError('a tag number is out of range');
  const first = bytes[at + 1];
  if (first === undefined) throw new DerError('the length is missing');
  const head = first < 0x80 ? 2 : 2 + (first & 0x7f);
  const length = first < 0x80 ? first : readLongLength(bytes, at + 2, first & 0x7f);
  const end = at + head + length;
  if (end > bytes.length) throw new DerError('a value is longer than what holds it');
  return new DerValue(tag, bytes.subarray(at, end), bytes.subarray(at + head, end), depth);
}

function readLongLength(bytes: Buffer, at: number, count: number): number {
  if (count === 0) throw new DerError('an indefinite length');
  if (count > 4 || at + count > bytes.length) throw new DerError('a length is out of range');
  const length = bytes.readUIntBE(at, count);
  if (length < 0x80 || bytes[at] === 0) throw new DerError('a length is not written the shortest way');
  return length;
}

function parseObjectIdentifier(content: Buffer): string {
  if (content.length === 0 || content.length > 128 || ((content.at(-1) ?? 0x80) & 0x80) !== 0) {
    throw new DerError('an object identifier is malformed');
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let isStart = true;
  for (const byte of content) {
    if (isStart && byte === 0x80) throw new DerError('an object identifier is padded');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    isStart = (byte & 0x80) === 0;
    if (isStart) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}

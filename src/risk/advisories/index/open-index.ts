import { type FileHandle, open } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { Fault } from '../../../ground/fault/fault.ts';
import { type Severity, severityAt } from '../../../model/severity.ts';
import type { Advisory, IndexOrigin, VersionRange, VulnerabilityDetails } from '../advisory.ts';
import { damaged, hashKey, headerWords, readSections, type Sections, statuses } from './layout.ts';
import { VarintReader } from './varints.ts';

export interface IndexDescription extends IndexOrigin {
  /** How many advisories each feed has. */
  readonly feeds: Readonly<Record<string, number>>;
  readonly advisories: number;
}

interface WholeDescription extends IndexDescription {
  /** Where each block of details begins. */
  readonly blocks: readonly number[];
  readonly products: Readonly<Record<string, readonly number[]>>;
}

/** A vulnerability as the index tells it apart from its details. */
export interface IndexedVulnerability {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: Severity;
  readonly severitySource?: string;
  readonly detail: { readonly block: number; readonly index: number };
}

export interface IndexedAdvisory extends Omit<Advisory, 'feed' | 'package' | 'id'> {
  readonly vulnerability: IndexedVulnerability;
  readonly unaffected: readonly VersionRange[];
  readonly versions: readonly string[];
  readonly bundles: readonly string[];
  readonly arches: readonly string[];
  readonly products: readonly number[];
}

/** A place in the file is 32 bits. */
const largestIndex = 2 ** 31;
const largestBlock = 16 * 1024 * 1024;

/** Opens an index: one read of everything but the details. */
export async function openIndex(path: string): Promise<AdvisoryIndex> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > largestIndex) throw damaged(path, `${size} bytes`);
    const header = await readExactly(file, 0, Math.min(size, headerWords * 4), path);
    const sections = readSections(header, size, path);
    return new AdvisoryIndex(await readExactly(file, 0, sections.details, path), sections, path);
  } finally {
    await file.close();
  }
}

/** For what is in memory already; the details come out of it too. */
export function openIndexBytes(bytes: Buffer, where = 'the index'): AdvisoryIndex {
  return new AdvisoryIndex(bytes, readSections(bytes, bytes.length, where), where, bytes);
}

async function readExactly(file: FileHandle, at: number, length: number, where: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead !== length) throw damaged(where, `${bytesRead} of ${length} bytes`);
  return bytes;
}

export class AdvisoryIndex {
  readonly description: IndexDescription;
  readonly where: string;
  readonly #bytes: Buffer;
  readonly #sections: Sections;
  readonly #whole: Buffer | undefined;
  readonly #blocks: readonly number[];
  readonly #products: Readonly<Record<string, readonly number[]>>;
  readonly #texts: (string | undefined)[];
  readonly #details = new Map<number, readonly VulnerabilityDetails[]>();

  constructor(bytes: Buffer, sections: Sections, where: string, whole?: Buffer) {
    this.#bytes = bytes;
    this.#sections = sections;
    this.where = where;
    this.#whole = whole;
    this.#texts = Array.from<string | undefined>({ length: sections.strings + 1 });
    const { blocks, products, ...description } = this.#readDescription();
    this.description = description;
    this.#blocks = blocks;
    this.#products = products;
  }

  /** What is said of a package, affected or not. */
  find(feed: string, name: string): readonly IndexedAdvisory[] {
    const key = `${feed}|${name}`;
    const { capacity, table, rows, vulnerabilityRows } = this.#sections;
    let place = hashKey(key) & (capacity - 1);
    for (let tries = 0; tries < capacity; tries++) {
      const id = this.#bytes.readUInt32LE(table + place * 8);
      if (id === 0) return [];
      if (this.#text(id) === key) {
        const offset = this.#bytes.readUInt32LE(table + place * 8 + 4);
        return this.#read(rows + offset, vulnerabilityRows, reader => this.#readRow(reader));
      }
      place = (place + 1) & (capacity - 1);
    }
    return [];
  }

  has(feed: string): boolean {
    return Object.hasOwn(this.description.feeds, feed);
  }

  /** Red Hat: the products behind enabled repositories. */
  productsOf(repositories: readonly string[]): ReadonlySet<number> {
    return new Set(
      repositories.flatMap(name => (Object.hasOwn(this.#products, name) ? (this.#products[name] ?? []) : [])),
    );
  }

  async details({ detail: { block, index } }: IndexedVulnerability): Promise<VulnerabilityDetails> {
    let entries = this.#details.get(block);
    if (entries === undefined) {
      entries = await this.#readBlock(block);
      this.#details.set(block, entries);
    }
    return entries[index] ?? {};
  }

  async #readBlock(block: number): Promise<readonly VulnerabilityDetails[]> {
    const start = this.#blocks[block];
    const end = this.#blocks[block + 1] ?? this.#sections.detailsLength;
    if (start === undefined || start > end || end > this.#sections.detailsLength) {
      throw damaged(this.where, `no block ${block} of details`);
    }
    try {
      const bytes = await this.#readDetails(start, end);
      const parsed: unknown = JSON.parse(
        inflateRawSync(bytes, { maxOutputLength: largestBlock }).toString('utf8'),
      );
      if (Array.isArray(parsed)) return parsed as readonly VulnerabilityDetails[];
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw damaged(this.where, `block ${block} of the details: ${String(cause)}`);
    }
    throw damaged(this.where, `block ${block} of the details is no list`);
  }

  async #readDetails(start: number, end: number): Promise<Buffer> {
    const { details } = this.#sections;
    if (this.#whole !== undefined) return this.#whole.subarray(details + start, details + end);
    const file = await open(this.where, 'r');
    try {
      return await readExactly(file, details + start, end - start, this.where);
    } finally {
      await file.close();
    }
  }

  #readRow(reader: VarintReader): IndexedAdvisory[] {
    const count = reader.read();
    const found: IndexedAdvisory[] = [];
    for (let at = 0; at < count; at++) found.push(this.#readAdvisory(reader));
    return found;
  }

  #readAdvisory(reader: VarintReader): IndexedAdvisory {
    const vulnerability = this.#vulnerability(reader.read());
    const status = statuses[reader.read()] ?? 'unknown';
    const severity = reader.read();
    const source = this.#text(reader.read()) ?? '';
    const ranges = this.#readRanges(reader);
    const unaffected = this.#readRanges(reader);
    const [versions, bundles, arches] = [
      this.#readTexts(reader),
      this.#readTexts(reader),
      this.#readTexts(reader),
    ];
    const module = this.#text(reader.read());
    const products = reader.readAll();
    return {
      vulnerability,
      status,
      source,
      ranges,
      unaffected,
      versions,
      bundles,
      arches,
      products,
      ...(severity > 0 && { severity: severityAt(severity - 1) }),
      ...(module !== undefined && { module }),
    };
  }

  #readRanges(reader: VarintReader): VersionRange[] {
    const count = reader.read();
    const ranges: VersionRange[] = [];
    for (let at = 0; at < count; at++) {
      const [introduced, after] = [this.#text(reader.read()), this.#text(reader.read())];
      const [fixed, lastAffected] = [this.#text(reader.read()), this.#text(reader.read())];
      ranges.push({
        ...(introduced !== undefined && { introduced }),
        ...(after !== undefined && { after }),
        ...(fixed !== undefined && { fixed }),
        ...(lastAffected !== undefined && { lastAffected }),
      });
    }
    return ranges;
  }

  #readTexts(reader: VarintReader): string[] {
    return reader.readAll().map(id => this.#text(id) ?? '');
  }

  #vulnerability(place: number): IndexedVulnerability {
    const { vulnerabilities, vulnerabilityOffsets, vulnerabilityRows, pool } = this.#sections;
    if (place >= vulnerabilities) throw damaged(this.where, `no vulnerability ${place}`);
    const offset = this.#bytes.readUInt32LE(vulnerabilityOffsets + place * 4);
    return this.#read(vulnerabilityRows + offset, pool, reader => {
      const id = this.#text(reader.read()) ?? '';
      const severity = severityAt(reader.read());
      const severitySource = this.#text(reader.read());
      const detail = { block: reader.read(), index: reader.read() };
      const aliases = this.#readTexts(reader);
      return { id, severity, detail, aliases, ...(severitySource !== undefined && { severitySource }) };
    });
  }

  #read<T>(at: number, end: number, read: (reader: VarintReader) => T): T {
    try {
      return read(new VarintReader(this.#bytes, at, end));
    } catch (error) {
      throw error instanceof RangeError ? damaged(this.where, error.message) : error;
    }
  }

  #text(id: number): string | undefined {
    if (id === 0) return undefined;
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const { strings, stringOffsets, pool, poolLength } = this.#sections;
    if (id > strings) throw damaged(this.where, `no text ${id}`);
    const start = this.#bytes.readUInt32LE(stringOffsets + (id - 1) * 4);
    const end = this.#bytes.readUInt32LE(stringOffsets + id * 4);
    if (start > end || end > poolLength) throw damaged(this.where, `text ${id} lies outside of the pool`);
    const text = this.#bytes.toString('utf8', pool + start, pool + end);
    this.#texts[id] = text;
    return text;
  }

  #readDescription(): WholeDescription {
    const { description, descriptionLength } = this.#sections;
    try {
      const text = this.#bytes.toString('utf8', description, description + descriptionLength);
      const read = JSON.parse(text) as WholeDescription;
      if (Array.isArray(read.lineage) && typeof read.builtAt === 'string' && Array.isArray(read.blocks))
        return read;
    } catch {
      // Said below.
    }
    throw damaged(this.where, 'no description');
  }
}

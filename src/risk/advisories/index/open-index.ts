import { inflateRawSync } from 'node:zlib';
import { Fault } from '../../../ground/fault/fault.ts';
import { type Severity, severityAt } from '../../../model/severity.ts';
import type { Advisory, IndexOrigin, VersionRange, VulnerabilityDetails } from '../advisory.ts';
import { damaged, hashKey, headerWords, readSections, type Sections, statuses } from './layout.ts';
import { type LazyBytes, LazyFile, wholeBytes } from './lazy-file.ts';
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

/** Opens an index. Little is read of it before somebody asks; close it when nobody will any more. */
export function openIndex(path: string): AdvisoryIndex {
  const file = new LazyFile(path, largestIndex);
  try {
    file.need(0, Math.min(file.size, headerWords * 4));
    return new AdvisoryIndex(file, readSections(file.bytes, file.size, path), path);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** For what is in memory already. */
export function openIndexBytes(bytes: Buffer, where = 'the index'): AdvisoryIndex {
  return new AdvisoryIndex(wholeBytes(bytes), readSections(bytes, bytes.length, where), where);
}

export class AdvisoryIndex {
  readonly description: IndexDescription;
  readonly where: string;
  readonly #source: LazyBytes;
  readonly #sections: Sections;
  readonly #blocks: readonly number[];
  readonly #products: Readonly<Record<string, readonly number[]>>;
  /** In pieces that appear when they are needed: most texts are never asked for. */
  readonly #texts: (string[] | undefined)[] = [];
  readonly #details = new Map<number, readonly VulnerabilityDetails[]>();

  constructor(source: LazyBytes, sections: Sections, where: string) {
    this.#source = source;
    this.#sections = sections;
    this.where = where;
    const { blocks, products, ...description } = this.#readDescription();
    this.description = description;
    this.#blocks = blocks;
    this.#products = products;
  }

  close(): void {
    this.#source.close();
  }

  /** What is said of a package, affected or not. */
  find(feed: string, name: string): readonly IndexedAdvisory[] {
    const key = `${feed}|${name}`;
    const { capacity, table, rows, vulnerabilityRows } = this.#sections;
    let place = hashKey(key) & (capacity - 1);
    for (let tries = 0; tries < capacity; tries++) {
      const id = this.#word(table + place * 8);
      if (id === 0) return [];
      if (this.#text(id) === key) {
        const offset = this.#word(table + place * 8 + 4);
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

  details({ detail: { block, index } }: IndexedVulnerability): VulnerabilityDetails {
    let entries = this.#details.get(block);
    if (entries === undefined) {
      entries = this.#readBlock(block);
      this.#details.set(block, entries);
    }
    return entries[index] ?? {};
  }

  #readBlock(block: number): readonly VulnerabilityDetails[] {
    const start = this.#blocks[block];
    const end = this.#blocks[block + 1] ?? this.#sections.detailsLength;
    if (start === undefined || start > end || end > this.#sections.detailsLength) {
      throw damaged(this.where, `no block ${block} of details`);
    }
    try {
      const bytes = this.#readDetails(start, end);
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

  #readDetails(start: number, end: number): Buffer {
    const { details } = this.#sections;
    this.#source.need(details + start, details + end);
    return this.#source.bytes.subarray(details + start, details + end);
  }

  #word(at: number): number {
    this.#source.need(at, at + 4);
    return this.#source.bytes.readUInt32LE(at);
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
    const offset = this.#word(vulnerabilityOffsets + place * 4);
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
      return read(new VarintReader(this.#source, at, end));
    } catch (error) {
      throw error instanceof RangeError ? damaged(this.where, error.message) : error;
    }
  }

  #text(id: number): string | undefined {
    if (id === 0) return undefined;
    const known = this.#texts[id >>> 10]?.[id & 1023];
    if (known !== undefined) return known;
    const { strings, stringOffsets, pool, poolLength } = this.#sections;
    if (id > strings) throw damaged(this.where, `no text ${id}`);
    const start = this.#word(stringOffsets + (id - 1) * 4);
    const end = this.#word(stringOffsets + id * 4);
    if (start > end || end > poolLength) throw damaged(this.where, `text ${id} lies outside of the pool`);
    this.#source.need(pool + start, pool + end);
    const text = this.#source.bytes.toString('utf8', pool + start, pool + end);
    (this.#texts[id >>> 10] ??= [])[id & 1023] = text;
    return text;
  }

  #readDescription(): WholeDescription {
    const { description, descriptionLength } = this.#sections;
    try {
      this.#source.need(description, description + descriptionLength);
      const text = this.#source.bytes.toString('utf8', description, description + descriptionLength);
      const read = JSON.parse(text) as WholeDescription;
      if (Array.isArray(read.lineage) && typeof read.builtAt === 'string' && Array.isArray(read.blocks))
        return read;
    } catch {
      // Said below.
    }
    throw damaged(this.where, 'no description');
  }
}

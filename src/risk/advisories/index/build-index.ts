import { deflateRawSync } from 'node:zlib';
import { severityRank } from '../../../model/severity.ts';
import type { Advisory, AdvisorySink, IndexOrigin, VersionRange, Vulnerability } from '../advisory.ts';
import { formatVersion, hashKey, headerWords, magic, padded, statuses, words } from './layout.ts';
import { VarintWriter } from './varints.ts';

/** About this much text is compressed together; a finding costs one block. */
const blockSize = 32 * 1024;

/** Collects advisories and writes them as one index. Equal advisories give equal bytes, whatever their order was. */
export class IndexBuilder implements AdvisorySink {
  readonly #advisories = new Map<string, Map<string, Advisory>>();
  readonly #vulnerabilities = new Map<string, Vulnerability>();
  readonly #products = new Map<string, readonly number[]>();

  advisory(advisory: Advisory): void {
    const key = `${advisory.feed}|${advisory.package}`;
    let row = this.#advisories.get(key);
    if (row === undefined) this.#advisories.set(key, (row = new Map<string, Advisory>()));
    // The same statement twice is one statement: a record lies in the archive and beside it.
    row.set(JSON.stringify(advisory), advisory);
  }

  vulnerability(vulnerability: Vulnerability): void {
    const known = this.#vulnerabilities.get(vulnerability.id);
    this.#vulnerabilities.set(
      vulnerability.id,
      known === undefined ? vulnerability : join(known, vulnerability),
    );
  }

  products(repository: string, indices: readonly number[]): void {
    this.#products.set(repository, indices);
  }

  /** Marks what is known to be exploited; of vulnerabilities that nobody described nothing is said. */
  exploited(id: string, since: string): void {
    for (const known of this.#vulnerabilities.values()) {
      if (known.id !== id && !known.aliases.includes(id)) continue;
      this.#vulnerabilities.set(known.id, { ...known, details: { ...known.details, kev: since } });
    }
  }

  get size(): number {
    let size = 0;
    for (const row of this.#advisories.values()) size += row.size;
    return size;
  }

  build(origin: IndexOrigin): Buffer {
    const strings = new StringTable();
    const details = new DetailBlocks();
    const order = [...this.#usedVulnerabilities()].sort();
    const places = new Map(order.map((id, place) => [id, place]));
    const vulnerabilities = new VarintWriter();
    const vulnerabilityOffsets = order.map(id => {
      const offset = vulnerabilities.length;
      const known = this.#vulnerabilities.get(id) ?? {
        id,
        aliases: [],
        severity: 'unknown' as const,
        details: {},
      };
      writeVulnerability(known, vulnerabilities, strings, details.add(known.details));
      return offset;
    });
    const rows = new VarintWriter();
    const keys = [...this.#advisories.keys()].sort();
    const entries = keys.map(key => {
      const offset = rows.length;
      const row = this.#advisories.get(key) ?? new Map<string, Advisory>();
      rows.write(row.size);
      for (const text of [...row.keys()].sort())
        writeAdvisory(row.get(text) as Advisory, rows, strings, places);
      return { key: strings.id(key), hash: hashKey(key), offset };
    });
    return assemble({
      table: placeKeys(entries),
      keys: keys.length,
      strings,
      vulnerabilityOffsets,
      rows: rows.bytes(),
      vulnerabilities: vulnerabilities.bytes(),
      description: Buffer.from(JSON.stringify(this.#describe(origin, details))),
      details: details.bytes(),
    });
  }

  #describe(origin: IndexOrigin, details: DetailBlocks): object {
    const feeds: Record<string, number> = {};
    for (const [key, row] of [...this.#advisories].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const feed = key.slice(0, key.indexOf('|'));
      feeds[feed] = (feeds[feed] ?? 0) + row.size;
    }
    return {
      ...origin,
      feeds,
      advisories: this.size,
      blocks: details.blocks(),
      products: Object.fromEntries([...this.#products].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  #usedVulnerabilities(): Set<string> {
    const used = new Set<string>();
    for (const row of this.#advisories.values()) for (const { id } of row.values()) used.add(id);
    return used;
  }
}

/** Two sources of one vulnerability: names are joined, the higher severity stands, the first text stays. */
function join(a: Vulnerability, b: Vulnerability): Vulnerability {
  const [first] = severityRank(b.severity) > severityRank(a.severity) ? [b] : [a];
  return {
    ...first,
    aliases: [...new Set([...a.aliases, ...b.aliases])].sort(),
    details: { ...b.details, ...a.details },
  };
}

function writeVulnerability(
  { id, severity, severitySource, aliases }: Vulnerability,
  to: VarintWriter,
  strings: StringTable,
  detail: { readonly block: number; readonly index: number },
): void {
  to.write(strings.id(id));
  to.write(severityRank(severity));
  to.write(strings.id(severitySource));
  to.write(detail.block);
  to.write(detail.index);
  to.writeAll([...aliases].sort().map(alias => strings.id(alias)));
}

function writeAdvisory(
  advisory: Advisory,
  to: VarintWriter,
  strings: StringTable,
  places: ReadonlyMap<string, number>,
): void {
  to.write(places.get(advisory.id) ?? 0);
  to.write(statuses.indexOf(advisory.status));
  to.write(advisory.severity === undefined ? 0 : severityRank(advisory.severity) + 1);
  to.write(strings.id(advisory.source));
  writeRanges(advisory.ranges, to, strings);
  writeRanges(advisory.unaffected ?? [], to, strings);
  for (const list of [advisory.versions, advisory.bundles, advisory.arches]) {
    to.writeAll((list ?? []).map(text => strings.id(text)));
  }
  to.write(strings.id(advisory.module));
  to.writeAll([...(advisory.products ?? [])]);
}

function writeRanges(ranges: readonly VersionRange[], to: VarintWriter, strings: StringTable): void {
  to.write(ranges.length);
  for (const { introduced, after, fixed, lastAffected } of ranges) {
    for (const bound of [introduced, after, fixed, lastAffected]) to.write(strings.id(bound));
  }
}

/** Every text once; 0 is no text. */
class StringTable {
  readonly #ids = new Map<string, number>();

  id(text: string | undefined): number {
    if (text === undefined) return 0;
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, this.#ids.size + 1);
    return this.#ids.size;
  }

  parts(): { readonly offsets: Buffer; readonly pool: Buffer; readonly count: number } {
    const texts = [...this.#ids.keys()].map(text => Buffer.from(text));
    const offsets = Buffer.alloc((texts.length + 1) * 4);
    let at = 0;
    for (const [place, text] of texts.entries()) {
      offsets.writeUInt32LE(at, place * 4);
      at += text.length;
    }
    offsets.writeUInt32LE(at, texts.length * 4);
    return { offsets, pool: Buffer.concat(texts), count: texts.length };
  }
}

/** Details in compressed blocks; each is found by its block and its place in it. */
class DetailBlocks {
  readonly #blocks: { readonly offset: number; readonly bytes: Buffer }[] = [];
  #open: object[] = [];
  #openSize = 0;
  #length = 0;

  add(details: object): { block: number; index: number } {
    const place = { block: this.#blocks.length, index: this.#open.length };
    this.#open.push(details);
    this.#openSize += JSON.stringify(details).length;
    if (this.#openSize >= blockSize) this.#close();
    return place;
  }

  bytes(): Buffer {
    this.#close();
    return Buffer.concat(this.#blocks.map(({ bytes }) => bytes));
  }

  /** Where each block begins. */
  blocks(): readonly number[] {
    this.#close();
    return this.#blocks.map(({ offset }) => offset);
  }

  #close(): void {
    if (this.#open.length === 0) return;
    const bytes = deflateRawSync(JSON.stringify(this.#open));
    this.#blocks.push({ offset: this.#length, bytes });
    this.#length += bytes.length;
    this.#open = [];
    this.#openSize = 0;
  }
}

function placeKeys(entries: readonly { key: number; hash: number; offset: number }[]): Buffer {
  let capacity = 16;
  while (capacity < entries.length * 1.6) capacity *= 2;
  const table = Buffer.alloc(capacity * 8);
  for (const { key, hash, offset } of entries) {
    let place = hash & (capacity - 1);
    while (table.readUInt32LE(place * 8) !== 0) place = (place + 1) & (capacity - 1);
    table.writeUInt32LE(key, place * 8);
    table.writeUInt32LE(offset, place * 8 + 4);
  }
  return table;
}

interface Parts {
  readonly table: Buffer;
  readonly keys: number;
  readonly strings: StringTable;
  readonly vulnerabilityOffsets: readonly number[];
  readonly rows: Buffer;
  readonly vulnerabilities: Buffer;
  readonly description: Buffer;
  readonly details: Buffer;
}

function assemble(parts: Parts): Buffer {
  const { offsets, pool, count } = parts.strings.parts();
  const header = Buffer.alloc(headerWords * 4);
  const set = (word: number, value: number): unknown => header.writeUInt32LE(value, word * 4);
  set(words.magic, magic);
  set(words.version, formatVersion);
  set(words.capacity, parts.table.length / 8);
  set(words.strings, count);
  set(words.vulnerabilities, parts.vulnerabilityOffsets.length);
  set(words.rowsLength, parts.rows.length);
  set(words.vulnerabilitiesLength, parts.vulnerabilities.length);
  set(words.poolLength, pool.length);
  set(words.descriptionLength, parts.description.length);
  set(words.detailsLength, parts.details.length);
  set(words.keys, parts.keys);
  const vulnerabilityOffsets = Buffer.alloc(parts.vulnerabilityOffsets.length * 4);
  for (const [place, offset] of parts.vulnerabilityOffsets.entries())
    vulnerabilityOffsets.writeUInt32LE(offset, place * 4);
  const sections = [parts.rows, parts.vulnerabilities, pool, parts.description].flatMap(section => [
    section,
    Buffer.alloc(padded(section.length) - section.length),
  ]);
  return Buffer.concat([header, parts.table, offsets, vulnerabilityOffsets, ...sections, parts.details]);
}

import type { FoundPackage } from '../cataloguer.ts';
import { tellsOfPackages } from '../cataloguer.ts';
import { refuse } from './refuse.ts';

const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  licence: 1014,
  arch: 1022,
  sourceRpm: 1044,
  folderIndexes: 1116,
  baseNames: 1117,
  folderNames: 1118,
  module: 5096,
} as const;
const wanted: ReadonlySet<number> = new Set(Object.values(tags));

const int32 = 4;
const texts: ReadonlySet<number> = new Set([6, 8, 9]);
const mostTags = 65_536;
const mostItems = 1_000_000;

interface Field {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** One header of RPM as its databases keep it: counts, an index of tags, their values. Undefined for what is no package. */
export function readRpmHeader(blob: Buffer): FoundPackage | undefined {
  const header = new RpmHeader(blob);
  const name = header.text(tags.name);
  const version = header.text(tags.version);
  if (name === undefined || version === undefined) throw refuse('an RPM header without name or version');
  if (name === 'gpg-pubkey') return undefined;
  const release = header.text(tags.release);
  const epoch = header.numbers(tags.epoch)[0] ?? 0;
  const [arch, licence, vendor, module] = [tags.arch, tags.licence, tags.vendor, tags.module].map(tag =>
    known(header.text(tag)),
  );
  const source = readSource(header.text(tags.sourceRpm));
  const owns = listFiles(header);
  return {
    type: 'rpm',
    name,
    version: `${epoch === 0 ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`,
    ...(arch !== undefined && { arch }),
    ...(source !== undefined && { source }),
    ...(licence !== undefined && { licenses: [licence] }),
    ...(vendor !== undefined && { supplier: vendor }),
    ...(module !== undefined && { module }),
    ...(owns.length > 0 && { owns }),
  };
}

function known(text: string | undefined): string | undefined {
  return text === undefined || text === '' || text === '(none)' ? undefined : text;
}

/** `openssl-3.0.7-1.el9.src.rpm`; name and version can hold hyphens, version and release cannot. */
export function readSource(file: string | undefined): FoundPackage['source'] {
  const match = /^(.+)-([^-]+-[^-]+)\.[^.]+\.rpm$/.exec(file ?? '');
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { name: match[1], version: match[2] };
}

function listFiles(header: RpmHeader): string[] {
  const folders = header.texts(tags.folderNames);
  const indexes = header.numbers(tags.folderIndexes);
  return header
    .texts(tags.baseNames)
    .map((name, at) => `${folders[indexes[at] ?? -1] ?? '/'}${name}`.replace(/^\/+/, ''))
    .filter(tellsOfPackages);
}

class RpmHeader {
  readonly #data: Buffer;
  readonly #fields = new Map<number, Field>();

  constructor(blob: Buffer) {
    if (blob.length < 8) throw refuse('an RPM header that was cut short');
    const count = blob.readUInt32BE(0);
    const length = blob.readUInt32BE(4);
    const start = 8 + count * 16;
    if (count > mostTags || start + length > blob.length) throw refuse('an RPM header that was cut short');
    this.#data = blob.subarray(start, start + length);
    for (let at = 8; at < start; at += 16) {
      const tag = blob.readUInt32BE(at);
      if (!wanted.has(tag)) continue;
      const [type = 0, offset = 0, items = 0] = [4, 8, 12].map(field => blob.readUInt32BE(at + field));
      this.#fields.set(tag, { type, offset, count: items });
    }
  }

  text(tag: number): string | undefined {
    return this.texts(tag, 1)[0];
  }

  texts(tag: number, most: number = mostItems): string[] {
    const field = this.#fields.get(tag);
    if (field === undefined || !texts.has(field.type)) return [];
    const found: string[] = [];
    let at = field.offset;
    while (found.length < Math.min(field.count, most)) {
      const end = this.#data.indexOf(0, at);
      if (at >= this.#data.length || end === -1) throw refuse('an RPM header with a text outside of it');
      found.push(this.#data.toString('utf8', at, end));
      at = end + 1;
    }
    return found;
  }

  numbers(tag: number): number[] {
    const field = this.#fields.get(tag);
    if (field === undefined || field.type !== int32) return [];
    if (field.count > mostItems || field.offset + field.count * 4 > this.#data.length)
      throw refuse('an RPM header with numbers outside of it');
    return Array.from({ length: field.count }, (_, at) => this.#data.readUInt32BE(field.offset + at * 4));
  }
}

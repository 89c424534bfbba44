import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from 'yaml';
import { Fault } from '../../ground/fault/fault.ts';
import { readPlainYaml } from '../../ground/yaml/read-plain-yaml.ts';
import { readYaml } from '../../ground/yaml/read-yaml.ts';

export type StateValue =
  | string
  | number
  | boolean
  | null
  | readonly StateValue[]
  | { readonly [key: string]: StateValue | undefined };

/**
 * One file of the state. It is kept as text: what is set to the value that it has changes no byte, keys that we do not
 * know stay where they are, and only a real change makes the file be written anew.
 */
export class StateFile {
  readonly where: string;
  readonly isNew: boolean;
  readonly #text: string;
  #value: Readonly<Record<string, unknown>> | undefined;
  #document: Document | undefined;

  constructor(where: string, text?: string) {
    this.where = where;
    this.isNew = text === undefined;
    this.#text = text ?? '';
  }

  /** Every scalar as the text that was written; what is null is absent. */
  get value(): Readonly<Record<string, unknown>> {
    this.#value ??= readState(this.#text, this.where);
    return this.#value;
  }

  get isChanged(): boolean {
    return this.#document !== undefined;
  }

  textOf(key: string): string | undefined {
    const value = this.value[key];
    return typeof value === 'string' ? value : undefined;
  }

  textsOf(key: string): readonly string[] {
    const value = this.value[key];
    return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
  }

  mapOf(key: string): Readonly<Record<string, unknown>> {
    return asMap(this.value[key]);
  }

  listOf(key: string): readonly Readonly<Record<string, unknown>>[] {
    const value = this.value[key];
    return Array.isArray(value) ? value.map(asMap) : [];
  }

  /** Gives a key a value, if it has another. A list of maps keeps what we do not know of items with the same `by`. */
  set(key: string, value: StateValue | undefined, by?: string): void {
    const isMissing = this.value[key] === undefined && value === null && this.isNew && !this.#has(key);
    if (!isMissing && isSame(value, this.value[key], by)) return;
    const document = this.#edit();
    if (value === undefined) document.delete(key);
    else document.set(key, mergeNode(document.get(key, true), value, by));
    const { [key]: _old, ...rest } = this.value;
    this.#value = value === undefined || value === null ? rest : { ...rest, [key]: plain(value) };
  }

  text(): string {
    return this.#document === undefined ? this.#text : this.#document.toString({ lineWidth: 0 });
  }

  #has(key: string): boolean {
    return this.#document?.has(key) === true;
  }

  #edit(): Document {
    this.#document ??= parseDocument(this.#text, { schema: 'failsafe', uniqueKeys: false });
    if (!isMap(this.#document.contents)) this.#document.contents = new YAMLMap();
    return this.#document;
  }
}

function readState(text: string, where: string): Readonly<Record<string, unknown>> {
  // Thousands of these are read for one plan, and nearly all of them only we have written.
  const plain = readPlainYaml(text);
  if (plain !== undefined) return plain;
  const { value, problems } = readYaml(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new Fault('FILE_INVALID', {
      what: `a state file cannot be read: ${problem.message}`,
      where: `${where}:${problem.line}:${problem.column}`,
      next: `restore the file from Git: git checkout -- ${where}`,
    });
  }
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Fault('FILE_INVALID', { what: 'a state file is no mapping', where });
}

export function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** Whether the file says it already; keys of list items that we do not know are no difference. */
function isSame(wanted: unknown, found: unknown, by?: string): boolean {
  if (wanted === undefined || wanted === null) return found === undefined || found === null;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      wanted.length === found.length &&
      wanted.every((item, index) =>
        isSame(by === undefined ? item : { ...asMap(found[index]), ...asMap(item) }, found[index]),
      )
    );
  }
  if (typeof wanted === 'object') {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return false;
    const keys = new Set([...Object.keys(wanted), ...Object.keys(found)]);
    return [...keys].every(key => isSame(asMap(wanted)[key], asMap(found)[key]));
  }
  return textOf(wanted) === found;
}

/** Scalars as reading the file again would give them. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value as reading the file again would give it. */
function plain(value: StateValue): unknown {
  if (Array.isArray(value)) return value.map(item => plain(item as StateValue));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value as Record<string, StateValue | undefined>);
    return Object.fromEntries(
      entries.flatMap(([key, item]) => (item === undefined || item === null ? [] : [[key, plain(item)]])),
    );
  }
  return String(value);
}

function mergeNode(old: unknown, value: StateValue, by: string | undefined): Node {
  if (by === undefined || !Array.isArray(value) || !isSeq(old)) return toNode(value);
  const known = new Map(
    old.items.flatMap(item => (isMap(item) ? [[textOfNode(item.get(by, true)), item] as const] : [])),
  );
  const list = new YAMLSeq();
  for (const item of value as readonly { readonly [key: string]: StateValue | undefined }[]) {
    const node = known.get(textOf(item[by])) ?? flowMap();
    for (const [key, part] of Object.entries(item)) {
      if (part === undefined) node.delete(key);
      else if (!isSame(part, textOfNode(node.get(key, true)))) node.set(key, toNode(part));
    }
    list.add(node);
  }
  return list;
}

function textOfNode(node: unknown): unknown {
  return isScalar(node) ? node.value : undefined;
}

function flowMap(): YAMLMap {
  const map = new YAMLMap();
  map.flow = true;
  return map;
}

function toNode(value: StateValue, isInside = false): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq();
    list.flow = value.every(item => typeof item === 'string');
    for (const item of value) list.add(toNode(item as StateValue, true));
    return list;
  }
  if (typeof value === 'object' && value !== null) {
    const map = new YAMLMap();
    const entries = Object.entries(value as Record<string, StateValue | undefined>);
    map.flow = entries.length === 0 || isInside;
    for (const [key, item] of entries) if (item !== undefined) map.set(toScalar(key), toNode(item, true));
    return map;
  }
  return toScalar(value);
}

const wordsOfOtherTypes = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** Quoted wherever a reader of YAML 1.1 or 1.2 could see anything but text. */
function toScalar(value: string | number | boolean | null): Scalar {
  const scalar = new Scalar(String(value));
  const isPlain =
    typeof value !== 'string' ||
    (/^[A-Za-z][A-Za-z0-9._/-]*(?: [A-Za-z0-9._/-]+)*$/.test(value) && !wordsOfOtherTypes.test(value));
  scalar.type = isPlain ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
  return scalar;
}

import { largestYaml } from './read-yaml.ts';

/** Thrown inside only: the text is not in the plain form, whatever it may be else. */
const notPlain = Symbol('not plain');

const plainText = /[A-Za-z0-9][A-Za-z0-9._/@+-]*(?: [A-Za-z0-9._/@+-]*[A-Za-z0-9._/@+])*/y;
const quotedText = /"([ !#-[\]-~]*)"/y;
const mostDepth = 20;

/**
 * Reads the plain form in which we write our own files: mappings by lines, one scalar, list or mapping in flow style
 * after a key, quotes without escapes, no comments, anchors or tags. It gives what readYaml gives, many times faster,
 * and undefined for every text that is not in that form.
 */
export function readPlainYaml(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.length > largestYaml) return undefined;
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length === 0) return undefined;
  try {
    const reader = new PlainReader(lines);
    const value = reader.map(0);
    return reader.isAtEnd ? value : undefined;
  } catch (error) {
    if (error === notPlain) return undefined;
    throw error;
  }
}

class PlainReader {
  readonly #lines: readonly string[];
  #line = 0;
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#line === this.#lines.length;
  }

  /** All lines that begin at this column with a key. */
  map(indent: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    while (this.#indent() === indent) {
      this.#at = indent;
      const key = this.#key(entries);
      const value = this.#at === this.#text.length ? this.#below(indent) : this.#inLine();
      entries.set(key, value);
    }
    if (entries.size === 0) throw notPlain;
    return withoutAbsent(entries);
  }

  get #text(): string {
    return this.#lines[this.#line] ?? '';
  }

  /** Where a line begins; -1 after the last. */
  #indent(): number {
    return this.isAtEnd ? -1 : this.#text.search(/[^ ]|$/);
  }

  #below(indent: number): unknown {
    this.#line++;
    const inner = this.#indent();
    if (inner <= indent) return undefined;
    if (inner !== indent + 2 || inner > 2 * mostDepth) throw notPlain;
    return this.#text.startsWith('- ', inner) ? this.#list(inner) : this.map(inner);
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    while (this.#indent() === indent && this.#text.startsWith('- ', indent)) {
      this.#at = indent + 1;
      items.push(this.#inLine() ?? null);
    }
    return items;
  }

  /** ` VALUE` up to the end of the line. */
  #inLine(): unknown {
    this.#expect(' ');
    const value = this.#value(0);
    if (this.#at !== this.#text.length) throw notPlain;
    this.#line++;
    return value;
  }

  #value(depth: number): unknown {
    if (depth > mostDepth) throw notPlain;
    const start = this.#text[this.#at];
    if (start === '[') return this.#flowList(depth);
    if (start === '{') return this.#flowMap(depth);
    if (start === '"') return this.#quoted();
    const plain = this.#take(plainText);
    return /^(?:null|Null|NULL)$/.test(plain) ? undefined : plain;
  }

  #flowList(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#flow('[', ']', () => items.push(this.#value(depth + 1) ?? null));
    return items;
  }

  #flowMap(depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#flow('{', '}', () => {
      const key = this.#key(entries);
      this.#expect(' ');
      entries.set(key, this.#value(depth + 1));
    });
    return withoutAbsent(entries);
  }

  #flow(open: string, close: string, item: () => void): void {
    this.#expect(open);
    this.#skip(' ');
    if (this.#skip(close)) return;
    for (;;) {
      item();
      this.#skip(' ');
      if (this.#skip(close)) return;
      this.#expect(',');
      this.#expect(' ');
    }
  }

  #key(entries: ReadonlyMap<string, unknown>): string {
    const key = this.#text[this.#at] === '"' ? this.#quoted() : this.#take(plainText);
    this.#expect(':');
    if (entries.has(key)) throw notPlain;
    return key;
  }

  #quoted(): string {
    return this.#take(quotedText).slice(1, -1);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw notPlain;
    this.#at += found.length;
    return found;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw notPlain;
  }
}

function withoutAbsent(entries: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...entries].filter(([, value]) => value !== undefined));
}

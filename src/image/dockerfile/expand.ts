import type { Parsed } from '../../model/parsed.ts';
import { prefixLengths, replacePattern } from './shell-pattern.ts';

export type Variables = ReadonlyMap<string, string>;

export interface ExpandOptions {
  readonly variables: Pick<Variables, 'get'>;
  readonly escape: string;
  /** Inside a heredoc quotes are ordinary characters. */
  readonly keepQuotes?: boolean;
}

const largestResult = 1024 * 1024;
const deepestNesting = 32;

class Problem extends Error {}

/** Replaces variables and takes quotes away, by the rules that Docker documents for Dockerfiles. */
export function expand(text: string, o: ExpandOptions): Parsed<string> {
  const expansion = new Expansion(text, o, 0);
  try {
    return { value: expansion.readAll() };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}

/** The names of the variables that a text asks for and that are not there. */
export function missingVariables(text: string, o: ExpandOptions): readonly string[] {
  const missing = new Set<string>();
  const get = (name: string): string | undefined => {
    const value = o.variables.get(name);
    if (value === undefined) missing.add(name);
    return value;
  };
  expand(text, { ...o, variables: { get } });
  return [...missing];
}

class Expansion {
  readonly #text: string;
  readonly #o: ExpandOptions;
  readonly #depth: number;
  #at = 0;

  constructor(text: string, o: ExpandOptions, depth: number) {
    if (depth > deepestNesting) throw new Problem('variables are nested too deep');
    this.#text = text;
    this.#o = o;
    this.#depth = depth;
  }

  readAll(): string {
    let result = '';
    while (this.#at < this.#text.length) {
      result += this.#readPart();
      if (result.length > largestResult)
        throw new Problem('becomes too long once its variables are replaced');
    }
    return result;
  }

  #readPart(): string {
    const character = this.#text[this.#at] ?? '';
    if (character === '$') return this.#readVariable();
    if (character === this.#o.escape) return this.#readEscaped();
    if (this.#o.keepQuotes !== true && character === "'") return this.#readSingleQuoted();
    if (this.#o.keepQuotes !== true && character === '"') return this.#readDoubleQuoted();
    this.#at++;
    return character;
  }

  #readEscaped(): string {
    const next = this.#text[this.#at + 1];
    this.#at += 2;
    if (next === undefined) return this.#o.escape;
    // In a heredoc only what would otherwise mean something can be escaped.
    if (this.#o.keepQuotes === true && next !== '$' && next !== this.#o.escape) return this.#o.escape + next;
    return next;
  }

  #readSingleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new Problem("has a ' without its end");
    const body = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return body;
  }

  #readDoubleQuoted(): string {
    let result = '';
    this.#at++;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw new Problem('has a " without its end');
      if (character === '"') break;
      if (character === '$') result += this.#readVariable();
      else if (character === this.#o.escape) {
        const next = this.#text[this.#at + 1] ?? '';
        result += next === '"' || next === '$' || next === this.#o.escape ? next : character + next;
        this.#at += 2;
      } else {
        result += character;
        this.#at++;
      }
    }
    this.#at++;
    return result;
  }

  #readVariable(): string {
    this.#at++;
    if (this.#text[this.#at] === '{') return this.#readBraced();
    const name = this.#readName();
    return name === '' ? '$' : (this.#o.variables.get(name) ?? '');
  }

  #readName(): string {
    const match = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#])/.exec(this.#text.slice(this.#at, this.#at + 256));
    this.#at += match?.[0].length ?? 0;
    return match?.[0] ?? '';
  }

  #readBraced(): string {
    this.#at++;
    const name = this.#readName();
    if (name === '') throw new Problem('holds ${…} without the name of a variable');
    const inner = this.#readToBrace();
    return this.#modify(name, inner);
  }

  /** Up to the } that belongs here; further ${…} inside are skipped over. */
  #readToBrace(): string {
    const start = this.#at;
    for (let depth = 1; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (character === this.#o.escape) this.#at++;
      else if (character === '{' && this.#text[this.#at - 1] === '$') depth++;
      else if (character === '}' && --depth === 0) {
        const inner = this.#text.slice(start, this.#at);
        this.#at++;
        return inner;
      }
    }
    throw new Problem('holds ${ without its }');
  }

  #modify(name: string, inner: string): string {
    const value = this.#o.variables.get(name);
    if (inner === '') return value ?? '';
    const [, operator = '', word = ''] = /^(:?[-+?]|##?|%%?|\/\/?)([\s\S]*)$/.exec(inner) ?? [];
    const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    switch (operator.replace(':', '')) {
      case '-':
        return isSet ? (value ?? '') : this.#sub(word);
      case '+':
        return isSet ? this.#sub(word) : '';
      case '?':
        if (isSet) return value ?? '';
        throw new Problem(`wants the variable ${name}: ${this.#sub(word) || 'it is not set'}`);
      case '#':
      case '##':
        return removePrefix(value ?? '', this.#sub(word), operator === '##');
      case '%':
      case '%%':
        return removeSuffix(value ?? '', this.#sub(word), operator === '%%');
      case '/':
      case '//':
        return this.#replace(value ?? '', word, operator === '//');
      default:
        throw new Problem(`holds \${${name}${inner.slice(0, 20)}}, which is no form that Docker knows`);
    }
  }

  #replace(value: string, word: string, everywhere: boolean): string {
    const slash = word.indexOf('/');
    const pattern = this.#sub(slash < 0 ? word : word.slice(0, slash));
    const replacement = slash < 0 ? '' : this.#sub(word.slice(slash + 1));
    const replaced = replacePattern(value, pattern, replacement, everywhere);
    if (replaced === undefined) throw new Problem('holds a replacement that is too costly');
    return replaced;
  }

  #sub(text: string): string {
    return new Expansion(text, this.#o, this.#depth + 1).readAll();
  }
}

function removePrefix(value: string, pattern: string, longest: boolean): string {
  const lengths = prefixLengths(value, pattern);
  if (lengths === undefined) throw new Problem('holds a pattern that is too costly');
  const length = longest ? lengths.at(-1) : lengths[0];
  return value.slice(length ?? 0);
}

function removeSuffix(value: string, pattern: string, longest: boolean): string {
  return reverse(removePrefix(reverse(value), reverse(pattern), longest));
}

function reverse(text: string): string {
  return [...text].reverse().join('');
}

/**
 * Regular expressions in RE2's syntax, matched in linear time whatever the pattern and the text are:
 * no look-around and no back-references, all states walked side by side (Thompson's construction).
 */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const limits = { pattern: 1000, repeat: 1000, states: 20_000 } as const;

/** Whether the pattern matches the whole text, as if it stood between ^ and $. */
export function matchesWholePattern(pattern: string, text: string): boolean {
  return compile(pattern)(text);
}

/** What is wrong with a pattern, or undefined when it is one. */
export function problemOfPattern(pattern: string): string | undefined {
  try {
    compile(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

type CharacterTest = (code: number) => boolean;
type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number };

interface State {
  test?: CharacterTest;
  assertion?: 'start' | 'end';
  readonly next: State[];
}

const compiled = new Map<string, (text: string) => boolean>();

function compile(pattern: string): (text: string) => boolean {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const program = new Program();
  const last: State = { next: [] };
  const first = program.build(new PatternReader(pattern).read(), last);
  const match = (text: string) => runStates(first, last, text);
  if (compiled.size >= 256) compiled.clear();
  compiled.set(pattern, match);
  return match;
}

function runStates(first: State, last: State, text: string): boolean {
  let current = new Set<State>();
  const add = (into: Set<State>, state: State, at: number) => {
    const waiting = [state];
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (into.has(one)) continue;
      if (one.assertion === 'start' && at !== 0) continue;
      if (one.assertion === 'end' && at !== text.length) continue;
      into.add(one);
      if (one.test === undefined) waiting.push(...one.next);
    }
  };
  add(current, first, 0);
  for (let at = 0; at < text.length; at++) {
    const next = new Set<State>();
    const code = text.charCodeAt(at);
    for (const state of current) {
      if (state.test?.(code) === true) for (const after of state.next) add(next, after, at + 1);
    }
    if (next.size === 0) return false;
    current = next;
  }
  return current.has(last);
}

class Program {
  #states = 0;

  build(node: Node, after: State): State {
    switch (node.kind) {
      case 'empty':
        return after;
      case 'start':
      case 'end':
        return this.#state({ assertion: node.kind, next: [after] });
      case 'character':
        return this.#state({ test: node.test, next: [after] });
      case 'sequence':
        return node.parts.reduceRight((next, part) => this.build(part, next), after);
      case 'choice':
        return this.#state({ next: node.parts.map(part => this.build(part, after)) });
      case 'repeat':
        return this.#repeat(node, after);
    }
  }

  #repeat({ part, min, max }: Node & { kind: 'repeat' }, after: State): State {
    let next = after;
    if (max === Number.POSITIVE_INFINITY) {
      const loop = this.#state({ next: [after] });
      loop.next.push(this.build(part, loop));
      next = loop;
    } else {
      for (let n = min; n < max; n++) next = this.#state({ next: [after, this.build(part, next)] });
    }
    for (let n = 0; n < min; n++) next = this.build(part, next);
    return next;
  }

  #state(state: State): State {
    this.#states++;
    if (this.#states > limits.states) throw new PatternError('the pattern is too large');
    return state;
  }
}

const classes: Readonly<Record<string, CharacterTest>> = {
  d: code => code >= 48 && code <= 57,
  w: code =>
    (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95,
  s: code => [9, 10, 12, 13, 32].includes(code),
};
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7 };

class PatternReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    if (text.length > limits.pattern) throw new PatternError('the pattern is longer than 1000 characters');
    this.#text = text;
  }

  read(): Node {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw new PatternError('a ")" has no "("');
    return node;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? (parts[0] ?? { kind: 'empty' }) : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#text.length && !this.#sees('|') && !this.#sees(')')) parts.push(this.#repeated());
    return { kind: 'sequence', parts };
  }

  #repeated(): Node {
    const part = this.#atom();
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    this.#take('?');
    if (this.#bounds() !== undefined) throw new PatternError('a repetition is repeated');
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,4})(,(\d{1,4})?)?\}/.exec(this.#text.slice(this.#at));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const open = counted[3] === undefined ? Number.POSITIVE_INFINITY : Number(counted[3]);
    const max = counted[2] === undefined ? min : open;
    if (min > max || min > limits.repeat || (max > limits.repeat && Number.isFinite(max))) {
      throw new PatternError('a repetition is out of range');
    }
    return { min, max };
  }

  #atom(): Node {
    const character = this.#text[this.#at++] ?? '';
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'character', test: this.#class() };
      case '.':
        return { kind: 'character', test: code => code !== 10 };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return this.#escaped();
      case '*':
      case '+':
      case '?':
        throw new PatternError(`there is nothing that "${character}" could repeat`);
      default:
        return { kind: 'character', test: literal(character) };
    }
  }

  #group(): Node {
    this.#depth++;
    if (this.#depth > 50) throw new PatternError('groups are nested more than 50 deep');
    if (this.#take('?') && !this.#take(':')) {
      const name = /^P?<[A-Za-z_]\w*>/.exec(this.#text.slice(this.#at));
      if (name === null) throw new PatternError('look-around and flags are not part of the syntax');
      this.#at += name[0].length;
    }
    const node = this.#choice();
    if (!this.#take(')')) throw new PatternError('a "(" has no ")"');
    this.#depth--;
    return node;
  }

  #escaped(): Node {
    const letter = this.#text[this.#at] ?? '';
    if (letter === 'A' || letter === 'z') {
      this.#at++;
      return { kind: letter === 'A' ? 'start' : 'end' };
    }
    return { kind: 'character', test: this.#escape() };
  }

  #escape(): CharacterTest {
    const letter = this.#text[this.#at++] ?? '';
    const small = classes[letter.toLowerCase()];
    if (small !== undefined) return letter === letter.toLowerCase() ? small : code => !small(code);
    const control = controls[letter];
    if (control !== undefined) return code => code === control;
    if (letter === '' || /[A-Za-z0-9]/.test(letter))
      throw new PatternError(`"\\${letter}" is not part of the syntax`);
    return literal(letter);
  }

  #class(): CharacterTest {
    const isNegated = this.#take('^');
    const tests: CharacterTest[] = [];
    for (let isFirst = true; isFirst || !this.#sees(']'); isFirst = false) tests.push(this.#classPart());
    this.#at++;
    return code => tests.some(test => test(code)) !== isNegated;
  }

  #classPart(): CharacterTest {
    const start = this.#text[this.#at++];
    if (start === undefined) throw new PatternError('a "[" has no "]"');
    if (start === '[' && this.#sees(':')) throw new PatternError('named classes are not supported');
    if (start === '\\') return this.#escape();
    const end = this.#text[this.#at + 1];
    if (!this.#sees('-') || end === undefined || end === ']') return literal(start);
    if (end === '\\') throw new PatternError('a range ends with an escape');
    this.#at += 2;
    const [low, high] = [start.charCodeAt(0), end.charCodeAt(0)];
    if (low > high) throw new PatternError('a range runs backwards');
    return code => code >= low && code <= high;
  }

  #sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    const isThere = this.#sees(character);
    if (isThere) this.#at++;
    return isThere;
  }
}

function literal(character: string): CharacterTest {
  const wanted = character.charCodeAt(0);
  return code => code === wanted;
}

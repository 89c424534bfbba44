export interface Word {
  /** With its quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Splits at white space outside quotes; quotes and escapes stay in the words. */
export function splitWords(text: string, escape: string): readonly Word[] {
  const words: Word[] = [];
  let start = -1;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && isSpace(character)) {
      if (start >= 0) words.push({ text: text.slice(start, at), start, end: at });
      start = -1;
      continue;
    }
    if (start < 0) start = at;
    if (character === escape && quote !== "'") at++;
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
  }
  if (start >= 0) words.push({ text: text.slice(start), start, end: text.length });
  return words;
}

/** At white space alone, as the operands of COPY and EXPOSE are split. */
export function splitPlainWords(text: string): readonly Word[] {
  return [...text.matchAll(/\S+/g)].map(match => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

export interface Assignment {
  readonly name: string;
  /** Still quoted; absent when only a name was given. */
  readonly value?: string;
  /** Of the value in the text. */
  readonly start: number;
  readonly end: number;
}

/** `A=b C="d e"`, or the old `A all of the rest`, where the instruction has that form. */
export function splitAssignments(
  text: string,
  escape: string,
  o: { readonly oldForm: boolean },
): { readonly assignments: readonly Assignment[]; readonly problem?: string } {
  const words = splitWords(text, escape);
  const [first] = words;
  if (o.oldForm && first !== undefined && !first.text.includes('=')) {
    const rest = text.slice(first.end);
    const value = rest.trim();
    if (value === '') return { assignments: [], problem: `"${first.text.slice(0, 100)}" has no value` };
    const start = first.end + rest.indexOf(value);
    return { assignments: [{ name: first.text, value, start, end: start + value.length }] };
  }
  const assignments = words.map(word => {
    const at = word.text.indexOf('=');
    return at < 0
      ? { name: word.text, start: word.end, end: word.end }
      : {
          name: word.text.slice(0, at),
          value: word.text.slice(at + 1),
          start: word.start + at + 1,
          end: word.end,
        };
  });
  const bad = assignments.find(({ name, value }) => name === '' || (o.oldForm && value === undefined));
  return {
    assignments,
    ...(bad !== undefined && { problem: `"${bad.name.slice(0, 100)}" is no NAME=VALUE` }),
  };
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

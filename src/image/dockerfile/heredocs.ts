import type { Heredoc } from './instruction.ts';
import type { PhysicalLine } from './logical-lines.ts';
import { splitWords } from './words.ts';

interface WantedHeredoc {
  readonly word: string;
  readonly name: string;
  readonly expands: boolean;
  /** `<<-`: tabs at the beginning of its lines do not count. */
  readonly stripsTabs: boolean;
}

/** The heredocs that a line announces, in order. */
export function findHeredocs(text: string, escape: string): readonly WantedHeredoc[] {
  return splitWords(text, escape).flatMap(({ text: word }) => {
    const match = /^\d*<<(-?)([^<]+)$/.exec(word);
    if (match === null) return [];
    const [, dash, quoted = ''] = match;
    const name = quoted.replaceAll(/['"]/g, '');
    const isName = /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name);
    return isName ? [{ word, name, expands: name === quoted, stripsTabs: dash === '-' }] : [];
  });
}

/** Reads their contents from the lines behind the instruction. */
export function readHeredocs(
  lines: readonly PhysicalLine[],
  from: number,
  wanted: readonly WantedHeredoc[],
): { readonly heredocs: readonly Heredoc[]; readonly nextLine: number; readonly missing?: string } {
  const heredocs: Heredoc[] = [];
  let at = from;
  for (const { word, name, expands, stripsTabs } of wanted) {
    const body: string[] = [];
    for (;;) {
      const line = lines[at];
      if (line === undefined) return { heredocs, nextLine: at, missing: name };
      at++;
      const text = stripsTabs ? line.text.replace(/^\t+/, '') : line.text;
      if (text === name) break;
      body.push(`${text}\n`);
    }
    heredocs.push({ word, name, expands, content: body.join('') });
  }
  return { heredocs, nextLine: at };
}

export interface ConsoleStep {
  readonly line: number;
  readonly command: string;
  readonly exit: number;
  /** Lines that must be printed: `…` inside a line stands for anything, alone for any number of lines. */
  readonly expected: readonly string[];
}

/**
 * The steps of every `console` block: `$ command` (continued after `\`), then what it prints. A comment that begins
 * with `<!-- console` holds steps that the reader did elsewhere, such as `npm start` in another terminal.
 */
export function parseConsoleBlocks(markdown: string): readonly ConsoleStep[] {
  const steps: (ConsoleStep & { expected: string[] })[] = [];
  let inside = false;
  let continued = false;
  for (const [index, line] of markdown.split('\n').entries()) {
    const opens = /^\s*(?:```console\b|<!-- console$)/.test(line);
    if (opens || /^\s*(?:```|-->)/.test(line)) {
      inside = !inside && opens;
      continued = false;
      continue;
    }
    if (!inside) continue;
    const last = steps.at(-1);
    if (continued && last) {
      steps[steps.length - 1] = { ...last, command: `${last.command}\n${line}` };
      continued = line.endsWith('\\');
    } else if (line.startsWith('$ ')) {
      const exit = Number(/#\s*exits?\s+(\d+)\s*$/.exec(line)?.[1] ?? 0);
      steps.push({ line: index + 1, command: line.slice(2), exit, expected: [] });
      continued = line.endsWith('\\');
    } else if (last) {
      last.expected.push(line);
    }
  }
  return steps;
}

/** Undefined when what was printed is what the document promises, else the first promised line that is missing. */
export function findMissingLine(expected: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  let mayskip = false;
  for (const line of expected) {
    if (line.trim() === '…') {
      mayskip = true;
      continue;
    }
    const pattern = new RegExp(`^${line.trimEnd().split('…').map(escapePattern).join('.*')}$`);
    const found = mayskip
      ? printed.findIndex((text, index) => index >= at && pattern.test(text.trimEnd()))
      : at;
    if (found === -1 || !pattern.test(printed[found]?.trimEnd() ?? '\u0000')) return line;
    at = found + 1;
    mayskip = false;
  }
  const isWhole = mayskip || expected.length === 0 || at >= printed.length;
  return isWhole
    ? undefined
    : `(nothing more after "${printed[at - 1] ?? ''}", but there was "${printed[at]}")`;
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

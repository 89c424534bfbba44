import { Fault } from '../ground/fault/fault.ts';

/** `FORMAT`, `FORMAT=PATH`, and wishes behind a question mark: `text?show-successes=true`. */
export interface OutputSpec {
  readonly format: string;
  readonly path?: string;
  readonly wishes: OutputWishes;
}

export type OutputWishes = Readonly<Record<string, string>>;

export function parseOutputs(texts: readonly string[]): OutputSpec[] {
  const specs = (texts.length === 0 ? ['text'] : texts).map(parseOutput);
  if (specs.filter(({ path }) => path === undefined).length <= 1) return specs;
  throw new Fault('USAGE', {
    what: 'two results would be printed over each other',
    expected: 'one --output FORMAT, and the others as --output FORMAT=FILE',
    actual: texts.join(', ').slice(0, 200),
  });
}

function parseOutput(text: string): OutputSpec {
  const question = text.indexOf('?');
  const named = question === -1 ? text : text.slice(0, question);
  const wishes = question === -1 ? {} : Object.fromEntries(new URLSearchParams(text.slice(question + 1)));
  const equals = named.indexOf('=');
  if (equals === -1) return { format: named, wishes };
  return { format: named.slice(0, equals), path: named.slice(equals + 1), wishes };
}

import type { Dockerfile, Instruction } from '../../dockerfile/instruction.ts';
import { neededStages, readStages, targetStage } from '../../dockerfile/stages.ts';
import { splitPlainWords } from '../../dockerfile/words.ts';
import type { Unsupported } from '../builder.ts';

/** What of a Dockerfile the embedded builder does not do, each at its place, before any work begins. */
export function findUnsupported(
  dockerfile: Dockerfile,
  o: { readonly target?: string; readonly buildArgs: Readonly<Record<string, string>> },
): readonly Unsupported[] {
  const { stages } = readStages(dockerfile, { buildArgs: o.buildArgs });
  const target = targetStage(stages, o.target);
  const needed = target === undefined ? [] : neededStages(stages, target);
  const frontends = dockerfile.directives.flatMap(({ name, value, range }) =>
    name === 'syntax' && !/^(?:docker\.io\/)?docker\/dockerfile(?::|@|$)/.test(value)
      ? [{ offset: range.start, what: `the frontend ${value.slice(0, 100)}` }]
      : [],
  );
  return [...frontends, ...needed.flatMap(({ instructions }) => instructions.flatMap(inspectInstruction))];
}

export function inspectInstruction(instruction: Instruction): readonly Unsupported[] {
  const { keyword, range } = instruction;
  if (keyword === 'RUN') return [{ offset: range.start, what: 'RUN' }];
  if (keyword !== 'ADD') return [];
  const words = instruction.json ?? splitPlainWords(instruction.rest.text).map(({ text }) => text);
  return words.slice(0, -1).flatMap(word => {
    if (/^(?:https?|ftp):\/\//i.test(word)) return [{ offset: range.start, what: 'ADD of a URL' }];
    if (/^git@|^ssh:\/\/|\.git(?:#|$)/.test(word))
      return [{ offset: range.start, what: 'ADD of a Git repository' }];
    return /\.(?:tbz2?|txz|tzst|tar\.(?!gz$)\w{1,5})$/i.test(word)
      ? [{ offset: range.start, what: 'ADD of an archive that is not packed with gzip' }]
      : [];
  });
}

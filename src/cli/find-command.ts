import { Fault } from '../ground/fault/fault.ts';
import { nearest } from '../model/nearest.ts';
import { type CommandEntry, commandTable } from './command-table.ts';
import { flagName } from './flag-name.ts';
import { globalFlags } from './global-flags.ts';

export type Found =
  | {
      readonly kind: 'command';
      readonly entry: CommandEntry;
      readonly words: readonly string[];
      /** The spelling of an earlier tool that was typed. */
      readonly formerly?: string;
    }
  /** A noun alone, such as `cg config`. */
  | { readonly kind: 'group'; readonly noun: string };

/** Finds the command that the first one or two plain words name. Flags may stand before and between them. */
export function findCommand(words: readonly string[]): Found {
  const plain = words
    .flatMap((word, index) => (word.startsWith('-') || isFlagValue(words, index) ? [] : [{ word, index }]))
    .slice(0, 2);
  const [first, second] = plain;
  if (first === undefined) throw new Error('findCommand needs a word');
  const pair = second === undefined ? undefined : lookUp(`${first.word} ${second.word}`);
  if (pair && second) return toCommand(pair, without(words, first.index, second.index));
  const single = lookUp(first.word);
  if (single) return toCommand(single, without(words, first.index));
  const nouns = new Set(
    commandTable.filter(entry => entry.path.includes(' ')).map(entry => entry.path.split(' ')[0] ?? ''),
  );
  if (nouns.has(first.word) && second === undefined) return { kind: 'group', noun: first.word };
  throw unknownCommand(first.word, second?.word, nouns);
}

interface LookedUp {
  readonly entry: CommandEntry;
  readonly formerly?: string;
}

function toCommand({ entry, formerly }: LookedUp, words: readonly string[]): Found {
  if (formerly === undefined) return { kind: 'command', entry, words };
  return { kind: 'command', entry, words: [...(entry.formerly?.[formerly] ?? []), ...words], formerly };
}

/** Flags that may stand between a noun and its verb, as in `cg images --state-dir DIR check`. */
const flagsOfNouns = ['--images-yaml', '--state-dir'];

/** The word after a flag that takes a value, as in `cg --output json inspect …`. */
function isFlagValue(words: readonly string[], index: number): boolean {
  const before = words[index - 1] ?? '';
  if (flagsOfNouns.includes(before)) return true;
  return Object.entries(globalFlags).some(
    ([key, flag]) =>
      flag.kind !== 'toggle' &&
      (before === flagName(key) || ('short' in flag && before === `-${flag.short}`)),
  );
}

function lookUp(path: string): LookedUp | undefined {
  const entry = commandTable.find(entry => entry.path === path || entry.aliases?.includes(path));
  if (entry !== undefined) return { entry };
  const older = commandTable.find(({ formerly }) => formerly !== undefined && Object.hasOwn(formerly, path));
  return older === undefined ? undefined : { entry: older, formerly: path };
}

function without(words: readonly string[], ...indices: number[]): string[] {
  return words.filter((_, index) => !indices.includes(index));
}

/** The pair may be a misspelt command, or only its first word a misspelt noun or verb. */
function unknownCommand(first: string, second: string | undefined, nouns: ReadonlySet<string>): Fault {
  const spellings = commandTable.flatMap(entry => [entry.path, ...(entry.aliases ?? [])]);
  const singles = [...nouns, ...spellings.filter(spelling => !spelling.includes(' '))];
  const pair = second === undefined ? undefined : `${first} ${second}`;
  const pairMeant = pair === undefined ? undefined : nearest(pair, spellings);
  const meant = pairMeant ?? nearest(first, singles);
  const typed = pair !== undefined && (nouns.has(first) || pairMeant?.includes(' ')) ? pair : first;
  return new Fault('USAGE', {
    what: `there is no command "cg ${typed}"${meant ? `; did you mean "cg ${meant}"?` : ''}`,
    next: meant ? `cg ${meant} --help` : 'cg --help',
  });
}

import { faultCodes } from '../../ground/fault/codes.ts';
import { type ExitCode, exitCodes } from '../../ground/fault/exit-codes.ts';
import { noProgress } from '../../ground/progress/progress.ts';
import { plainStyle } from '../../ground/terminal/style.ts';
import type { Argument, Completer, Flag, Flags } from '../command.ts';
import { type CommandEntry, commandTable, nounPurposes } from '../command-table.ts';
import type { Context, World } from '../context.ts';
import { flagName } from '../flag-name.ts';
import { globalFlags } from '../global-flags.ts';

interface Proposal {
  readonly word: string;
  readonly about: string;
}

/** Answers `cg __complete -- WORDS…`: the last word is the one being typed. A shell is never shown an error. */
export async function complete(words: readonly string[], world: World): Promise<ExitCode> {
  const typed = words.slice(words.indexOf('--') + 1);
  const lines = await propose(typed, world).catch(() => []);
  if (lines.length > 0) world.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.done;
}

async function propose(typed: readonly string[], world: World): Promise<string[]> {
  const current = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  if (before[0] === 'help') {
    return format(current, [
      ...firstWords(),
      ...Object.keys(faultCodes).map(word => ({ word, about: 'error code' })),
    ]);
  }
  const found = commandOf(before);
  if (found === undefined) return format(current, nextWords(before));
  const { command } = await found.entry.load();
  const formats = [...new Set(['text', 'json', ...Object.keys(command.formats ?? {})])];
  const flags: Flags = {
    ...globalFlags,
    output: { ...globalFlags.output, choices: formats },
    ...command.flags,
  };
  const pending = valueFlag(before.at(-1), flags);
  if (pending) return proposeValues(pending, current, '', world);
  const assigned = /^(--[a-z0-9-]+=)(.*)$/s.exec(current);
  if (assigned) {
    const flag = valueFlag(assigned[1]?.slice(0, -1), flags);
    return flag ? proposeValues(flag, assigned[2] ?? '', assigned[1] ?? '', world) : [];
  }
  if (current.startsWith('-'))
    return format(
      current,
      Object.entries(flags).map(([key, flag]) => ({ word: flagName(key), about: flag.brief })),
    );
  const args = command.args ?? [];
  const position = countArguments(found.rest, flags);
  const argument = args[position] ?? (args.at(-1)?.many ? args.at(-1) : undefined);
  return argument === undefined ? [] : proposeValues(argument, current, '', world);
}

function commandOf(before: readonly string[]): { entry: CommandEntry; rest: readonly string[] } | undefined {
  const plain = before.filter(word => !word.startsWith('-'));
  for (const length of [2, 1]) {
    const path = plain.slice(0, length).join(' ');
    const entry = commandTable.find(
      e => plain.length >= length && (e.path === path || e.aliases?.includes(path)),
    );
    if (entry) return { entry, rest: before.slice(before.indexOf(plain[length - 1] ?? '') + 1) };
  }
  return undefined;
}

function firstWords(): Proposal[] {
  const nouns = new Map<string, string>();
  for (const { path, purpose } of commandTable) {
    const [noun = '', verb] = path.split(' ');
    nouns.set(noun, verb === undefined ? purpose : (nounPurposes[noun] ?? purpose));
  }
  return [...nouns].map(([word, about]) => ({ word, about }));
}

function nextWords(before: readonly string[]): Proposal[] {
  const noun = before.find(word => !word.startsWith('-'));
  if (noun === undefined)
    return [
      ...firstWords(),
      { word: 'help', about: 'help on a command or an error code' },
      { word: '--version', about: 'the version' },
    ];
  return commandTable
    .filter(entry => entry.path.startsWith(`${noun} `))
    .map(entry => ({ word: entry.path.split(' ')[1] ?? '', about: entry.purpose }));
}

function valueFlag(word: string | undefined, flags: Flags): Exclude<Flag, { kind: 'toggle' }> | undefined {
  const found = Object.entries(flags).find(
    ([key, flag]) => flagName(key) === word || (flag.short !== undefined && `-${flag.short}` === word),
  );
  return found === undefined || found[1].kind === 'toggle' ? undefined : found[1];
}

function countArguments(rest: readonly string[], flags: Flags): number {
  return rest.filter(
    (word, index) => !word.startsWith('-') && valueFlag(rest[index - 1], flags) === undefined,
  ).length;
}

/** Where values can come from; what has neither proposes none. */
type Proposals = Pick<Argument, 'brief' | 'choices' | 'complete'>;

async function proposeValues(
  { brief, choices, complete }: Proposals,
  current: string,
  prefix: string,
  world: World,
): Promise<string[]> {
  if (choices !== undefined) {
    const words = choices.map(word => ({ word, about: brief }));
    return format(current, words, prefix);
  }
  return complete === undefined ? [] : runCompleter(complete, brief, current, prefix, world);
}

async function runCompleter(
  completer: Completer,
  about: string,
  current: string,
  prefix: string,
  world: World,
): Promise<string[]> {
  if (completer === 'files') return [':files'];
  const values = await completer(quietContext(world), current);
  return format(
    current,
    values.map(word => ({ word, about })),
    prefix,
  );
}

function format(current: string, proposals: readonly Proposal[], prefix = ''): string[] {
  return proposals
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, about }) => `${prefix}${word}\t${about}`.replaceAll(/[\r\n]/g, ' '));
}

function quietContext(world: World): Context {
  return {
    env: world.env,
    cwd: world.cwd,
    clock: world.clock,
    signal: AbortSignal.any([world.signal, AbortSignal.timeout(1500)]),
    progress: noProgress,
    offline: Boolean(world.env.CG_OFFLINE),
    verbose: false,
    interactive: false,
    stdin: world.stdin,
    say: () => {},
    passOn: () => {},
    write: () => {},
    errStyle: plainStyle,
  };
}

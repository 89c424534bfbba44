import { type ExitCode, exitCodes } from '../ground/fault/exit-codes.ts';
import { Fault } from '../ground/fault/fault.ts';
import { defuseWorkflowCommands } from '../ground/terminal/escape.ts';
import { formatJson } from '../ground/terminal/format-json.ts';
import { createStyle, type Style, wantsColour } from '../ground/terminal/style.ts';
import type { AnyCommand } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import { type Context, type World, widthOf } from './context.ts';
import { findCommand } from './find-command.ts';
import { type GlobalValues, globalFlags } from './global-flags.ts';
import { type OutputSpec, parseOutputs } from './output-spec.ts';
import { readInput } from './read-input.ts';

/** Finds the command that the words name, shows its help when that is asked for, or runs it. */
export async function runNamedCommand(words: readonly string[], world: World): Promise<ExitCode> {
  const found = findCommand(words);
  if (found.kind === 'group') return (await import('./print-help.ts')).printGroup(found.noun, world);
  const { command } = await found.entry.load();
  const beforeDashes = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (beforeDashes.some(word => word === '--help' || word === '-h')) {
    const { printCommandHelp } = await import('./print-help.ts');
    return printCommandHelp(found.entry, command, !beforeDashes.includes('-h'), world);
  }
  const older = found.formerly;
  const isQuiet = beforeDashes.some(word => word === '--quiet' || word === '-q');
  if (older !== undefined && !isQuiet)
    world.stderr.write(`cg ${older} is now called cg ${nameNow(found.entry, older)}\n`);
  return runCommand(found.entry, command, found.words, world);
}

function nameNow(entry: CommandEntry, older: string): string {
  return [entry.path, ...(entry.formerly?.[older] ?? [])].join(' ');
}

async function runCommand(
  entry: CommandEntry,
  command: AnyCommand,
  words: readonly string[],
  world: World,
): Promise<ExitCode> {
  const flags = { ...globalFlags, ...command.flags };
  const input = readInput({ name: `cg ${entry.path}`, flags, args: command.args ?? [] }, words, world.env);
  const global = input.flags as GlobalValues;
  const outputs = parseOutputs(wantedOutputs(global, input.flags)).map(spec => ({
    spec,
    render: chooseFormat(entry, command, spec),
  }));
  const { openProgress } = await import('./open-progress.ts');
  const errStyle = createStyle(
    wantsColour(global.color, world.env, world.stderr.isTTY === true),
    widthOf(world.stderr),
  );
  const { progress, close } = openProgress(world, global, errStyle);
  const context: Context = {
    env: world.env,
    cwd: world.cwd,
    clock: world.clock,
    signal: world.signal,
    progress,
    offline: global.offline,
    verbose: global.verbose,
    interactive: world.stdin.isTTY === true && world.stderr.isTTY === true,
    stdin: world.stdin,
    ...(world.ask && { ask: world.ask }),
    say: text => {
      if (!global.quiet) world.stderr.write(forRunner(`${text}\n`, 'text', world));
    },
    passOn: text => void world.stderr.write(text),
    write: text => void world.stdout.write(forRunner(text, 'text', world)),
    errStyle,
  };
  try {
    const answer = await command.run(input, context);
    close();
    for (const { spec, render } of outputs) {
      const path = spec.path ?? global.outputFile;
      await emit(render(answer.result, styleOf(global, world, path)), spec.format, path, world);
    }
    return answer.exit ?? exitCodes.done;
  } finally {
    close();
  }
}

/** `--format table` is how an earlier tool spelt `--output text`. */
function wantedOutputs(
  { output }: GlobalValues,
  flags: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { format } = flags;
  if (output.length > 0 || typeof format !== 'string') return output;
  return [format === 'table' ? 'text' : format];
}

function chooseFormat(
  entry: CommandEntry,
  command: AnyCommand,
  { format, wishes }: OutputSpec,
): (result: unknown, style: Style) => string {
  const own =
    command.formats !== undefined && Object.hasOwn(command.formats, format)
      ? command.formats[format]
      : undefined;
  if (own) return result => own(result, wishes);
  if (format === 'text') return (result, style) => command.text(result, style, wishes);
  if (format === 'json') return result => (result === undefined ? '' : formatJson(result));
  throw new Fault('USAGE', {
    what: `cg ${entry.path} has no output format "${format}"`,
    expected: [...new Set(['text', 'json', ...Object.keys(command.formats ?? {})])].join(', '),
    actual: format,
    next: `cg ${entry.path} --output json`,
  });
}

async function emit(text: string, format: string, path: string | undefined, world: World): Promise<void> {
  if (text === '') return;
  const line = text.endsWith('\n') ? text : `${text}\n`;
  if (path === undefined) {
    world.stdout.write(forRunner(line, format, world));
    return;
  }
  const { writeResult } = await import('./write-result.ts');
  await writeResult(path, line, world.cwd);
}

/** What GitHub's runner reads must hold no commands of others; JSON is safe by itself. */
function forRunner(text: string, format: string, world: World): string {
  return world.env.GITHUB_ACTIONS === 'true' && format !== 'json' ? defuseWorkflowCommands(text) : text;
}

function styleOf(global: GlobalValues, world: World, path: string | undefined): Style {
  if (path !== undefined) return createStyle(global.color === 'always');
  return createStyle(
    wantsColour(global.color, world.env, world.stdout.isTTY === true),
    widthOf(world.stdout),
  );
}

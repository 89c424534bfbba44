import { type FaultCodeEntry, faultCodes } from '../ground/fault/codes.ts';
import { type ExitCode, exitCodes } from '../ground/fault/exit-codes.ts';
import { Fault } from '../ground/fault/fault.ts';
import { createStyle, type Style, wantsColour } from '../ground/terminal/style.ts';
import { nearest } from '../model/nearest.ts';
import type { AnyCommand } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import { type World, widthOf } from './context.ts';
import { findCommand } from './find-command.ts';
import { renderCommandHelp, renderGroup } from './help.ts';

/** `cg help`, `cg help COMMAND`, `cg help CODE`. */
export async function printHelp(words: readonly string[], world: World): Promise<ExitCode> {
  const style = styleFor(world);
  const topic = words.filter(word => !word.startsWith('-'));
  if (topic.length === 0) return (await import('./print-overview.ts')).printOverview([], world);
  const name = topic.join(' ');
  if (/^[A-Z][A-Z0-9_]+$/.test(name)) return print(world, explainCode(name, style));
  const found = findCommand(topic);
  if (found.kind === 'group') return printGroup(found.noun, world);
  const { command } = await found.entry.load();
  return printCommandHelp(found.entry, command, true, world);
}

export function printGroup(noun: string, world: World): ExitCode {
  return print(world, renderGroup(noun, styleFor(world)));
}

export function printCommandHelp(
  entry: CommandEntry,
  command: AnyCommand,
  long: boolean,
  world: World,
): ExitCode {
  return print(world, renderCommandHelp(entry, command, styleFor(world), long));
}

function explainCode(code: string, style: Style): string {
  const entry = Object.hasOwn(faultCodes, code)
    ? (faultCodes as Record<string, FaultCodeEntry>)[code]
    : undefined;
  if (entry === undefined) {
    const meant = nearest(code, Object.keys(faultCodes));
    throw new Fault('USAGE', {
      what: `there is no error code ${code}${meant ? `; did you mean ${meant}?` : ''}`,
      next: meant ? `cg help ${meant}` : 'cg --help',
    });
  }
  return [
    `${style.bold(code)} (exit code ${exitCodes[entry.kind]})`,
    entry.meaning,
    `${style.bold('Usual causes')}\n${entry.causes.map(cause => `  - ${cause}`).join('\n')}`,
    `${style.bold('Next')}\n  ${entry.next}`,
  ].join('\n\n');
}

function print(world: World, text: string): ExitCode {
  world.stdout.write(`${text}\n`);
  return exitCodes.done;
}

function styleFor(world: World): Style {
  return createStyle(wantsColour('auto', world.env, world.stdout.isTTY === true), widthOf(world.stdout));
}

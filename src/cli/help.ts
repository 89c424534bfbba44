import { formatBytes } from '../ground/terminal/amounts.ts';
import type { Style } from '../ground/terminal/style.ts';
import { formatTable, wrap } from '../ground/terminal/table.ts';
import type { AnyCommand, Argument, Flag, Flags, NumberFlag, TextFlag } from './command.ts';
import { type CommandEntry, commandTable } from './command-table.ts';
import { flagName } from './flag-name.ts';
import { globalFlags } from './global-flags.ts';

/** `cg GROUP`: the commands below a noun. */
export function renderGroup(noun: string, style: Style): string {
  const rows = commandTable
    .filter(entry => entry.path.startsWith(`${noun} `))
    .map(entry => [`cg ${entry.path}`, entry.purpose]);
  return `${style.bold(`Commands of cg ${noun}`)}\n${formatTable(rows, '  ', style.columns)}`;
}

/** Examples first; `-h` stops after the command's own flags. */
export function renderCommandHelp(
  entry: CommandEntry,
  command: AnyCommand,
  style: Style,
  long: boolean,
): string {
  const usage = ['cg', entry.path, ...(command.args ?? []).map(formatArgument), '[flags]'].join(' ');
  const blocks = [
    fit(`${style.bold(`cg ${entry.path}`)}: ${entry.purpose}`, style),
    `${style.bold('Examples')}\n${command.examples.map(e => `  ${style.dim(`# ${e.does}`)}\n  ${e.run}`).join('\n')}`,
    `${style.bold('Usage')}\n  ${usage}`,
  ];
  if (command.args?.length) {
    blocks.push(
      formatTable(
        command.args.map(argument => [formatArgument(argument), argument.brief]),
        '  ',
      ),
    );
  }
  if (long && command.about) blocks.push(fit(command.about, style));
  blocks.push(...renderFlags(command.flags, 'Flags', style));
  if (long) {
    const formats = Object.keys(command.formats ?? {});
    blocks.push(...renderFlags(globalFlags, 'Flags of every command', style));
    blocks.push(`Formats for --output: ${[...new Set(['text', 'json', ...formats])].join(', ')}`);
    blocks.push(
      fit(
        'Exit codes: 0 done or allowed · 1 denied or different · 2 usage or configuration · 3 not reachable, no verdict · 4 not trustworthy · 70 our bug · 130 interrupted',
        style,
      ),
    );
  } else {
    blocks.push(`All flags: cg ${entry.path} --help`);
  }
  return blocks.join('\n\n');
}

function renderFlags(flags: Flags, fallbackGroup: string, style: Style): string[] {
  const groups = new Map<string, string[][]>();
  for (const [key, flag] of Object.entries(flags)) {
    const group = flag.group ?? fallbackGroup;
    groups.set(group, [...(groups.get(group) ?? []), [formatFlag(key, flag), describeFlag(flag)]]);
  }
  return [...groups].map(
    ([group, rows]) => `${style.bold(group)}\n${formatTable(rows, '  ', style.columns)}`,
  );
}

function formatFlag(key: string, flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const value = flag.kind === 'toggle' ? '' : ` ${flag.placeholder}`;
  const name =
    flag.kind === 'toggle' && flag.fallback === true ? `--no-${flagName(key).slice(2)}` : flagName(key);
  return `${short}${name}${value}`;
}

function describeFlag(flag: Flag): string {
  const notes: string[] = [];
  if (flag.kind === 'text' && flag.choices) notes.push(flag.choices.join(', '));
  if (flag.kind !== 'toggle' && flag.fallback !== undefined && flag.fallback !== '')
    notes.push(`default ${formatFallback(flag)}`);
  if (flag.kind === 'text' && flag.many) notes.push('repeatable');
  if (flag.kind === 'text' && flag.required) notes.push('required');
  if (flag.env) notes.push(`env ${flag.env}`);
  return notes.length === 0 ? flag.brief : `${flag.brief} (${notes.join('; ')})`;
}

function formatFallback(flag: TextFlag | NumberFlag): string {
  if (flag.kind === 'bytes') return formatBytes(flag.fallback ?? 0);
  return flag.kind === 'duration' ? formatInterval(flag.fallback ?? 0) : String(flag.fallback);
}

function formatArgument(argument: Argument): string {
  const name = argument.many ? `${argument.name}…` : argument.name;
  return argument.required ? name : `[${name}]`;
}

/** As it would be typed: 24h, 10m, 30s. */
function formatInterval(milliseconds: number): string {
  if (milliseconds % 3_600_000 === 0) return `${milliseconds / 3_600_000}h`;
  return milliseconds % 60_000 === 0 ? `${milliseconds / 60_000}m` : `${milliseconds / 1000}s`;
}

/** Prose that goes on in the next line where the terminal ends. */
function fit(text: string, { columns }: Style): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .flatMap(line => wrap(line, columns - 1))
    .join('\n');
}

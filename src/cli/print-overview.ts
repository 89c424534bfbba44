import { createStyle, type Style, wantsColour } from '../ground/terminal/style.ts';
import { formatTable } from '../ground/terminal/table.ts';
import { commandGroups, commandTable } from './command-table.ts';
import { type World, widthOf } from './context.ts';

const quietWords = new Set(['--help', '-h', '--verbose', '-v', '--quiet', '-q']);

/** `cg` and `cg --help`. */
export async function printOverview(words: readonly string[], world: World): Promise<0> {
  const stray = words.find(word => word.startsWith('-') && !quietWords.has(word));
  if (stray !== undefined) {
    const { Fault } = await import('../ground/fault/fault.ts');
    throw new Fault('USAGE', {
      what: `there is no command on the line, only ${stray}`,
      expected: 'cg COMMAND [flags]',
      next: 'cg --help',
    });
  }
  const style = createStyle(
    wantsColour('auto', world.env, world.stdout.isTTY === true),
    widthOf(world.stdout),
  );
  world.stdout.write(`${renderOverview(style)}\n`);
  return 0;
}

/** What it is, one line per command, and where to read on. */
function renderOverview(style: Style): string {
  const groups = commandGroups.flatMap(group => {
    const rows = commandTable
      .filter(entry => entry.group === group)
      .map(entry => [`cg ${entry.path}`, entry.purpose]);
    return rows.length === 0 ? [] : [`${style.bold(group)}\n${formatTable(rows, '  ', style.columns)}`];
  });
  return [
    'cg takes a container image from commit to cluster and proves every step.',
    ...groups,
    `${style.bold('More')}\n${formatTable(
      [
        ['cg COMMAND --help', 'examples and flags of one command'],
        ['cg help CODE', 'what an error code means and what to do'],
        ['cg --version', 'version; with --output json also where it was built from'],
      ],
      '  ',
      style.columns,
    )}`,
  ].join('\n\n');
}

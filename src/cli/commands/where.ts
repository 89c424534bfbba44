import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { formatTable } from '../../ground/terminal/table.ts';
import { showEnvironments, type WhereCell, type WhereMatrix } from '../../workflow/show-environments.ts';
import { defineCommand } from '../command.ts';
import { repositoryFlags, repositoryOptions } from '../delivery-flags.ts';
import { reachOptions, registryFlags } from '../registry-flags.ts';
import { short } from '../show/pin-changes.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg where', does: 'services and environments, with the digest in each' },
    { run: 'cg where --output json | jq ".services[].cells[]"', does: 'with times, for programs' },
  ],
  about: 'What Git says, not what a cluster runs. A digest that the registry no longer has is marked.',
  flags: { ...repositoryFlags, ...registryFlags },
  async run({ flags }, context) {
    return {
      result: await showEnvironments({
        ...(await reachOptions(flags, context)),
        ...repositoryOptions(flags, context),
      }),
    };
  },
  text: renderMatrix,
});

function renderMatrix({ environments, services }: WhereMatrix, style: Style): string {
  if (services.length === 0) return 'no environment pins an image yet; begin with cg bump';
  const rows = services.map(({ name, cells }) => [
    escapeLine(name),
    ...environments.map(environment =>
      renderCell(
        cells.find(cell => cell.environment === environment),
        style,
      ),
    ),
  ]);
  return formatTable(
    [['', ...environments.map(name => style.bold(escapeLine(name)))], ...rows],
    '',
    style.columns,
  );
}

function renderCell(cell: WhereCell | undefined, style: Style): string {
  if (cell === undefined) return style.dim('–');
  const pin = cell.digest === undefined ? `${escapeLine(cell.tag ?? 'latest')} (a tag)` : short(cell.digest);
  return cell.inRegistry === false ? style.red(`${pin} (gone from the registry)`) : pin;
}

import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import { formatTable } from '../../../ground/terminal/table.ts';
import type { CascadePlan, RebuildCause } from '../../../workflow/plan-cascade.ts';
import { cut } from './checked.ts';

/** Waves in order, each image with the time at which it is due and why. */
export function renderPlan({ waves }: CascadePlan, style: Style): string {
  if (waves.length === 0) return 'nothing has to be rebuilt';
  return waves
    .map(({ wave, images }) => {
      const rows = images.map(({ name, dueAt, autoRebuild, causes }) => [
        escapeLine(name),
        `due ${dueAt}${autoRebuild ? '' : ', by hand'}`,
        causes.map(describeCause).join(', '),
      ]);
      return `${style.bold(`Wave ${wave}`)}\n${formatTable(rows, '  ', style.columns)}`;
    })
    .join('\n\n');
}

function describeCause(cause: RebuildCause): string {
  return cause.kind === 'image'
    ? `${escapeLine(cause.image)} is rebuilt`
    : `${escapeLine(cause.base)} ${cause.from === undefined ? '' : `${cut(cause.from)} `}→ ${cut(cause.to)}`;
}

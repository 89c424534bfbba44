import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import { formatTable } from '../../../ground/terminal/table.ts';
import { type CascadePlan, planCascade, type RebuildCause } from '../../../workflow/plan-cascade.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { cut, describeDecision } from '../../show/images/checked.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg images plan', does: 'which images have to be rebuilt, why, and in which order' },
    { run: 'cg images plan --image shop', does: 'only what this image leads to' },
  ],
  about:
    'From files alone: cg images check looks at the registries. Nothing is built and nothing is written.',
  flags: {
    image: { kind: 'text', placeholder: 'NAME', brief: 'only what these images lead to', many: true },
    ...imagesFlags,
  },
  async run({ flags }, context) {
    const plan = await planCascade({
      ...fleetPlace(flags, context),
      clock: context.clock,
      images: flags.image,
    });
    for (const decision of plan.waiting) {
      const line = describeDecision(decision, context.clock.now());
      if (line !== undefined) context.say(escapeLine(line));
    }
    return { result: plan };
  },
  text: renderPlan,
});

function renderPlan({ waves }: CascadePlan, style: Style): string {
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

import { escapeLine } from '../../../ground/terminal/escape.ts';
import { planCascade } from '../../../workflow/plan-cascade.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { describeDecision } from '../../show/images/checked.ts';
import { renderPlan } from '../../show/images/plan.ts';

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
      onNote: text => context.progress({ type: 'note', level: 'warning', text }),
    });
    for (const decision of plan.waiting) {
      const line = describeDecision(decision, context.clock.now());
      if (line !== undefined) context.say(escapeLine(line));
    }
    return { result: plan };
  },
  text: renderPlan,
});

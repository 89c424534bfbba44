import { resolve } from 'node:path';
import { explainImages, explainReplay } from '../../workflow/explain-image.ts';
import { exitOfVerdict } from '../../workflow/gate-image.ts';
import { defineCommand } from '../command.ts';
import { gateOptions, policyFlags } from '../evidence/policy-flags.ts';
import { renderExplanation } from '../show/gate/explanation.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg explain ghcr.io/shop/web:1.4 --policy policy.yaml', does: 'why not, and what would turn it?' },
    { run: 'cg explain --images images.yaml --policy policy.yaml', does: 'every image of a components file' },
    {
      run: 'cg explain --replay verdict.json',
      does: 'a verdict that was recorded, without looking anywhere',
    },
  ],
  about:
    'Every denial says which evidence was looked at, what was wanted and what was there. A fix is printed only when it was\n' +
    'tried, on a copy, through the very function that decides, and the violation went away without another in its place.\n' +
    'What could not be shown to help is printed as not proven; where nothing helps, that is said.',
  args: [{ name: 'REF', brief: 'the image', required: false, many: true }],
  flags: {
    replay: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'explain what cg gate --record wrote',
      complete: 'files',
    },
    ...policyFlags,
  },
  async run({ flags, args }, context) {
    const { replay } = flags;
    const result =
      replay === undefined
        ? await explainImages(await gateOptions(flags, args, context))
        : await explainReplay(resolve(context.cwd, replay));
    return { result, exit: exitOfVerdict(result) };
  },
  text: renderExplanation,
});

import { Fault } from '../../../ground/fault/fault.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { bumpStage } from '../../../workflow/ci/release/bump-stage.ts';
import { defineCommand } from '../../command.ts';
import { deliveryFlags, deliveryOptions } from '../../delivery-flags.ts';
import { renderPinChanges, sayRendering } from '../../show/pin-changes.ts';
import { releaseFlag } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci bump --release .cg/release.json --stage dev',
      does: 'all images of a release in one commit',
    },
  ],
  about:
    'An image that the environment has no entry for is left out, and named. When it has none for any of them, that is an\n' +
    'error.',
  flags: {
    release: releaseFlag,
    stage: { kind: 'text', placeholder: 'NAME', brief: 'one of gitops.environments', required: true },
    mode: {
      kind: 'text',
      placeholder: 'HOW',
      brief: 'how it gets there',
      choices: ['commit', 'pr', 'mr'],
      fallback: 'commit',
    },
    ...deliveryFlags,
  },
  async run({ flags }, context) {
    if (flags.mode !== 'commit')
      throw new Fault('USAGE', {
        what: `a ${flags.mode === 'pr' ? 'pull' : 'merge'} request cannot be opened yet`,
        actual: `--mode ${flags.mode}`,
        next: `cg ci bump --release ${flags.release} --stage ${flags.stage} --mode commit`,
      });
    const result = await bumpStage({
      ...(await deliveryOptions(flags, context)),
      environment: flags.stage,
      release: flags.release,
    });
    for (const image of result.absent)
      context.say(`${flags.stage} does not run ${escapeLine(image)}: nothing is pinned`);
    const said = sayRendering(result);
    if (said !== undefined) context.say(said);
    return { result };
  },
  text: renderPinChanges,
});

import { escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import { planStage } from '../../../workflow/ci/plan/plan-stage.ts';
import { defineCommand } from '../../command.ts';
import { consumerFlags, consumerOptions } from '../../evidence/consumer-flags.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { outFlag } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg ci plan --event merge --out "$GITHUB_OUTPUT"', does: 'what is not built from this yet' },
    { run: 'cg ci plan --event pr --base main', does: 'what a change touches; no registry is asked' },
  ],
  about:
    'After a merge an image is left out only when signed provenance of what is published, by somebody whom the policy\n' +
    'believes, says that it was built from the same: Dockerfile, context, bases, arguments, platforms, target. In a pull\n' +
    'request it is left out when nothing of it changed; a file that belongs to no image concerns all, unless ci.shared in\n' +
    '.cascadeguard.yaml says whose it is. The outputs are images, any and kept. Exit code 3: what is published cannot be read.',
  flags: {
    event: {
      kind: 'text',
      placeholder: 'EVENT',
      brief: 'what the pipeline runs for',
      choices: ['pr', 'merge'],
      required: true,
    },
    base: {
      kind: 'text',
      placeholder: 'REF',
      brief: 'what a pull request is compared with; that of the CI without it',
    },
    out: outFlag,
    ...imagesFlags,
    ...consumerFlags,
  },
  async run({ flags }, context) {
    const result = await planStage({
      ...(await consumerOptions(flags, context)),
      ...fleetPlace(flags, context),
      event: flags.event,
      ...defined({ base: flags.base, out: flags.out }),
    });
    return { result };
  },
  text: ({ decisions }) =>
    decisions.length === 0
      ? 'no image is built in this repository'
      : decisions
          .map(({ image, build, reason }) => `${build ? 'build' : 'keep '}  ${image}  ${escapeLine(reason)}`)
          .join('\n'),
});

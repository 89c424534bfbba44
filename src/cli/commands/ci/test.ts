import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { testStage } from '../../../workflow/ci/test-stage.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci test api', does: 'its test: of images.yaml, or ci.test of .cascadeguard.yaml' }],
  about:
    'The test is a list of words, as in test: [npm, test], and no shell line. Without one the program\n' +
    '.cascadeguard/hooks/test runs for every image, with its name in CG_IMAGE. It runs in the folder of the context,\n' +
    'without the tokens of the job; a job that can sign is refused. Exit code 0: passed, or there is none. 1: failed.',
  args: [{ name: 'IMAGE', brief: 'its name in images.yaml', required: true }],
  flags: {
    timeout: {
      kind: 'duration',
      placeholder: 'TIME',
      brief: 'end it, and all that it started, after',
      min: 1000,
      fallback: 30 * 60_000,
    },
    ...imagesFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    const result = await testStage({
      ...fleetPlace(flags, context),
      image,
      timeLimit: flags.timeout,
      onOutput: context.passOn,
    });
    if (result.status === 'none')
      context.say(`${image} has no test: give it one in images.yaml, or ci.test in .cascadeguard.yaml`);
    return { result, exit: result.status === 'failed' ? exitCodes.deny : exitCodes.done };
  },
  text: ({ status, image, reason }) =>
    `${status}  ${image}${reason === undefined ? '' : `  ${escapeLine(reason)}`}`,
});

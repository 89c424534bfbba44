import { defined } from '../../../model/defined.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { publishStage } from '../../../workflow/ci/prove/publish-stage.ts';
import { defineCommand } from '../../command.ts';
import { consumerFlags, consumerOptions } from '../../evidence/consumer-flags.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { outFlag, stageReference } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg ci publish "$REF" --image api --out .cg/results/api.json', does: 'after cg ci verify' },
  ],
  about:
    'The digest is verified by the policy once more, with the commit of this job: what is denied gets no tag. Exit code 1:\n' +
    'denied. 3 or 4: could not look, or what was found cannot be trusted.',
  args: [stageReference],
  flags: {
    image: { kind: 'text', placeholder: 'NAME', brief: 'its name in images.yaml', required: true },
    out: outFlag,
    ...imagesFlags,
    ...consumerFlags,
  },
  async run({ flags, args: [text = ''] }, context) {
    const result = await publishStage({
      ...(await consumerOptions(flags, context)),
      ...fleetPlace(flags, context),
      ref: await readReference(text, context.cwd),
      image: flags.image,
      ...defined({ out: flags.out }),
    });
    return { result };
  },
  text: ({ tagged, ref }) => `${tagged} is ${ref}`,
});

import { defined } from '../../../model/defined.ts';
import { resolveStage } from '../../../workflow/ci/release/resolve-stage.ts';
import { defineCommand } from '../../command.ts';
import { consumerFlags, consumerOptions } from '../../evidence/consumer-flags.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { outFlag } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci resolve --commit "$GITHUB_SHA" --verify --policy policy.yaml --out .cg/release.json',
      does: 'the digests that the merge of this commit published, or kept; nothing is built',
    },
  ],
  about:
    'A digest counts when signed provenance, by somebody whom the policy believes, says that it was built from a commit in the\n' +
    'history of this one, and from the inputs that this one has; tags only say where to look. The work tree must be that\n' +
    'commit. With --verify each digest is judged by the policy as well; a scan that grew old does not count here. Exit code\n' +
    '1: an image is not published, or denied. 3 or 4: could not look, or what was found cannot be trusted.',
  flags: {
    commit: { kind: 'text', placeholder: 'COMMIT', brief: 'what is released', required: true },
    verify: { kind: 'toggle', brief: 'every digest must be what the policy demands' },
    out: outFlag,
    ...imagesFlags,
    ...consumerFlags,
  },
  async run({ flags }, context) {
    const result = await resolveStage({
      ...(await consumerOptions(flags, context)),
      ...fleetPlace(flags, context),
      commit: flags.commit,
      verify: flags.verify,
      ...defined({ out: flags.out }),
    });
    return { result };
  },
  text: ({ images }) => images.map(({ image, ref }) => `${image}  ${ref}`).join('\n'),
});

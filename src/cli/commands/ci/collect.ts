import { defined } from '../../../model/defined.ts';
import { collectStage } from '../../../workflow/ci/release/collect-stage.ts';
import { defineCommand } from '../../command.ts';
import { consumerFlags, consumerOptions } from '../../evidence/consumer-flags.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { outFlag } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: `cg ci collect --expect '["api","web"]' --results .cg/results --verify --out .cg/release.json`,
      does: 'one digest for each image, or exit code 4',
    },
  ],
  about:
    'With --verify each digest is judged by the policy, with the commit of this job; what a plan kept is of an earlier\n' +
    'commit, and may have a scan that grew old. Exit code 1: denied. 3 or 4: could not look, or what was found cannot be\n' +
    'trusted. Two digests of one repository are no release: 4.',
  flags: {
    expect: { kind: 'text', placeholder: 'JSON', brief: 'the names of all images', required: true },
    results: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'what cg ci publish left',
      required: true,
      complete: 'files',
    },
    kept: { kind: 'text', placeholder: 'JSON', brief: 'what cg ci plan keeps: it stays in the release' },
    verify: { kind: 'toggle', brief: 'every digest must be what the policy demands' },
    out: outFlag,
    ...imagesFlags,
    ...consumerFlags,
  },
  async run({ flags }, context) {
    const result = await collectStage({
      ...(await consumerOptions(flags, context)),
      ...fleetPlace(flags, context),
      expect: flags.expect,
      results: flags.results,
      verify: flags.verify,
      ...defined({ out: flags.out, kept: flags.kept }),
    });
    return { result };
  },
  text: ({ images }) => images.map(({ image, ref }) => `${image}  ${ref}`).join('\n'),
});

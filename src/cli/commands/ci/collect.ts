import { defined } from '../../../model/defined.ts';
import { collectStage } from '../../../workflow/ci/release/collect-stage.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: `cg ci collect --expect '["api","web"]' --results .cg/results --verify --out .cg/release.json`,
      does: 'one digest for each image, or exit code 4',
    },
  ],
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
    verify: { kind: 'toggle', brief: 'the registry must have every digest' },
    out: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'for the next stage: JSON, or key=value lines',
      complete: 'files',
    },
    ...imagesFlags,
    ...registryFlags,
  },
  async run({ flags }, context) {
    const result = await collectStage({
      ...(await reachOptions(flags, context)),
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

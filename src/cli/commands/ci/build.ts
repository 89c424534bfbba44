import { Fault } from '../../../ground/fault/fault.ts';
import { stage } from '../../../ground/progress/progress.ts';
import { defined } from '../../../model/defined.ts';
import { buildStage } from '../../../workflow/ci/build-stage.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { outFlag } from '../../stage-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg ci build api --push-by-digest --out "$GITHUB_OUTPUT"', does: 'in the job that builds' },
    {
      run: 'cg ci build api --oci-layout .cg/oci --out .cg/build.json',
      does: 'for a pull request: nothing is pushed',
    },
  ],
  about:
    'A job that can sign is refused: a Dockerfile is code of others. No cache is ever imported. The outputs are image,\n' +
    'ref and record; the job that attests wants the record.',
  args: [{ name: 'IMAGE', brief: 'its name in images.yaml', required: true }],
  flags: {
    pushByDigest: { kind: 'toggle', brief: 'into its registry, without a tag' },
    ociLayout: { kind: 'text', placeholder: 'FOLDER', brief: 'into a folder instead', complete: 'files' },
    cacheImport: {
      kind: 'toggle',
      fallback: true,
      brief: 'accepted and not needed: no cache is ever imported',
    },
    out: outFlag,
    ...imagesFlags,
    ...registryFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    if (flags.pushByDigest === (flags.ociLayout !== undefined))
      throw new Fault('USAGE', {
        what: 'a build goes to one place',
        expected: '--push-by-digest or --oci-layout FOLDER',
      });
    const result = await stage(context.progress, `build ${image}`, async () =>
      buildStage({
        ...(await reachOptions(flags, context)),
        ...fleetPlace(flags, context),
        image,
        version,
        clock: context.clock,
        onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
        ...defined({ ociLayout: flags.ociLayout, out: flags.out }),
      }),
    );
    return { result };
  },
  text: ({ image }) => image,
});

import { tagStage } from '../../../workflow/ci/release/tag-stage.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { releaseFlag } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci tag --release .cg/release.json --version "$GITHUB_REF_NAME"',
      does: 'after cg ci resolve --verify, in the same job',
    },
  ],
  about:
    'A version that names another digest already is never moved: exit code 4, and no tag is set. What has it already is left\n' +
    'alone, so the command can run again. latest comes with --latest or ci.tagLatest, and never with v1.2.3-rc.1.',
  flags: {
    release: releaseFlag,
    version: { kind: 'text', placeholder: 'TAG', brief: 'v1.2.3', required: true },
    latest: { kind: 'toggle', brief: 'also tag it latest' },
    ...imagesFlags,
    ...registryFlags,
  },
  async run({ flags }, context) {
    const result = await tagStage({
      ...(await reachOptions(flags, context)),
      ...fleetPlace(flags, context),
      release: flags.release,
      version: flags.version,
      ...(flags.latest && { latest: true }),
    });
    return { result };
  },
  text: ({ images }) =>
    images
      .flatMap(({ ref, tags, set }) =>
        tags.map(
          tag => `${ref.replace(/@.*$/, '')}:${tag} ${set.includes(tag) ? 'is' : 'was already'} ${ref}`,
        ),
      )
      .join('\n'),
});

import { defined } from '../../model/defined.ts';
import { inspectImage } from '../../workflow/inspect-image.ts';
import { defineCommand } from '../command.ts';
import { completeImageArgument, platforms, reachOptions, registryFlags } from '../registry-flags.ts';
import { renderImageTree } from '../show/image-tree.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg inspect ghcr.io/shop/web:1.4',
      does: 'platforms, configuration, layers and everything that refers to it',
    },
    { run: 'cg inspect oci:./web --platform linux/arm64', does: 'one platform of an image in a folder' },
    { run: 'cg inspect ghcr.io/shop/web:1.4 --output json | jq -r .digest', does: 'the digest behind a tag' },
  ],
  args: [
    {
      name: 'IMAGE',
      brief: 'a reference, oci:FOLDER, oci-archive:FILE or docker-archive:FILE',
      required: true,
      complete: completeImageArgument,
    },
  ],
  flags: {
    platform: {
      kind: 'text',
      placeholder: 'OS/ARCH',
      brief: 'only this platform',
      complete: () => platforms,
    },
    referrers: { kind: 'toggle', brief: 'show only the image itself', fallback: true },
    ...registryFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    const reach = await reachOptions(flags, context);
    return {
      result: await inspectImage({
        ...reach,
        image,
        referrers: flags.referrers,
        ...defined({ platform: flags.platform }),
      }),
    };
  },
  text: renderImageTree,
});

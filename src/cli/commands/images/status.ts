import { showImages } from '../../../workflow/show-images.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { renderStatus } from '../../show/images/status.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg images status', does: 'images, bases, who waits for what, who stands on whom' },
    { run: 'cg images status --output json | jq .edges', does: 'the graph, for programs' },
  ],
  about: 'From files alone: no registry is asked.',
  flags: { ...imagesFlags },
  async run({ flags }, context) {
    const shown = await showImages({ ...fleetPlace(flags, context), clock: context.clock });
    return { result: { ...shown, at: context.clock.now().toISOString() } };
  },
  text: renderStatus,
});

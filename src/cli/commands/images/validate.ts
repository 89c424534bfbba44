import { formatCount } from '../../../ground/terminal/amounts.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { validateImages } from '../../../workflow/validate-images.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg images validate', does: 'check images.yaml and .cascadeguard.yaml' }],
  about: 'Says all problems at once, each with file, line and column. Asks no registry and writes nothing.',
  flags: { ...imagesFlags },
  async run({ flags }, context) {
    const result = await validateImages(fleetPlace(flags, context));
    for (const { where, message } of result.warnings)
      context.progress({ type: 'note', level: 'warning', text: escapeLine(`${where}: ${message}`) });
    return { result };
  },
  text: ({ file, images }) => `${escapeLine(file)}: ${formatCount(images, 'image')}, valid`,
});

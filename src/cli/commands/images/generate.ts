import { stage } from '../../../ground/progress/progress.ts';
import { formatCount } from '../../../ground/terminal/amounts.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { generateState } from '../../../workflow/generate-state.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg images generate', does: 'write the state of all images and their bases' },
    { run: 'cg images generate --check', does: 'exit 1 when something would be written' },
  ],
  about: 'Never pins and never commits. A run that learns nothing writes nothing.',
  flags: {
    check: { kind: 'toggle', brief: 'only say whether something would be written' },
    prune: { kind: 'toggle', brief: 'forget bases that nobody uses' },
    allowUnreachable: { kind: 'toggle', brief: 'a registry that fails is only a warning' },
    ...imagesFlags,
    ...registryFlags,
  },
  async run({ flags }, context) {
    const generated = await stage(context.progress, 'generate state', async () =>
      generateState({
        ...(await reachOptions(flags, context)),
        ...fleetPlace(flags, context),
        clock: context.clock,
        check: flags.check,
        prune: flags.prune,
        allowUnreachable: flags.allowUnreachable,
        onNote: (level, text) => context.progress({ type: 'note', level, text }),
      }),
    );
    for (const entry of generated.entries) {
      if (entry.status === 'error') context.say(escapeLine(`${entry.image}: ${entry.code}: ${entry.reason}`));
    }
    if (generated.written.length === 0) context.say('nothing new: no file was written');
    else
      context.say(
        `${formatCount(generated.written.length, 'file')} ${flags.check ? 'would be ' : ''}written`,
      );
    return { result: { written: generated.written }, exit: generated.exit };
  },
  text: ({ written }) => written.map(escapeLine).join('\n'),
});

import { type ExitCode, exitCodes } from '../../../ground/fault/exit-codes.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { stage } from '../../../ground/progress/progress.ts';
import { formatCount } from '../../../ground/terminal/amounts.ts';
import { defined } from '../../../model/defined.ts';
import { type CheckedImages, checkImages } from '../../../workflow/check-images.ts';
import { defineCommand } from '../../command.ts';
import type { Context } from '../../context.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { appendSummary } from '../../job-summary.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { renderEntries, sayDecisions, sayUnreached } from '../../show/images/checked.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg images check', does: 'look at every base once and remember what is new' },
    { run: 'cg images check --no-commit', does: 'the same, and pin what is old enough in the Dockerfiles' },
    { run: 'cg images check --image shop --dry-run', does: 'say what would happen to one image' },
  ],
  about:
    'A digest may be used once it has been known here for as long as its consumer waits (48 hours unless quarantine says else). What the publisher claims about its age counts for nothing. Exits 1 when a base changed or a release is new.',
  flags: {
    image: { kind: 'text', placeholder: 'NAME', brief: 'only these images; commas separate', many: true },
    images: { kind: 'text', placeholder: 'NAMES', brief: 'the same, as one list', many: true },
    commit: {
      kind: 'toggle',
      fallback: true,
      brief: 'pin in the Dockerfiles of the working tree, and use no Git',
    },
    promote: {
      kind: 'toggle',
      optional: true,
      brief: 'open requests for what is old enough; --no-promote decides nothing',
    },
    promoteNow: {
      kind: 'text',
      placeholder: 'BASE@DIGEST',
      brief: 'let this digest skip its wait; needs --reason',
      many: true,
    },
    reason: { kind: 'text', placeholder: 'TEXT', brief: 'why it need not wait; kept in the state' },
    dryRun: { kind: 'toggle', brief: 'touch nothing, and say what would happen' },
    skipState: { kind: 'toggle', brief: 'as if nothing were known; what is stored stays' },
    allowUnreachable: { kind: 'toggle', brief: 'a registry that fails is only a warning' },
    prune: { kind: 'toggle', brief: 'forget bases that nobody uses' },
    tagsOnly: { kind: 'toggle', brief: 'only the tags of images that others build' },
    hooks: { kind: 'toggle', fallback: true, brief: 'run no hooks' },
    ...imagesFlags,
    ...registryFlags,
  },
  async run({ flags }, context) {
    const place = fleetPlace(flags, context);
    if (flags.promote === true && flags.commit) throw needsForge();
    const checked = await stage(context.progress, 'check images', async () =>
      checkImages({
        ...(await reachOptions(flags, context)),
        ...place,
        clock: context.clock,
        images: [...flags.image, ...flags.images],
        tagsOnly: flags.tagsOnly,
        dryRun: flags.dryRun,
        skipState: flags.skipState,
        allowUnreachable: flags.allowUnreachable,
        prune: flags.prune,
        promoteNow: flags.promoteNow,
        onNote: (level, text) => context.progress({ type: 'note', level, text }),
        ...defined({ reason: flags.reason, promote: flags.promote }),
        ...(!flags.commit && { pin: true }),
      }),
    );
    sayDecisions(checked, context, { pinned: !flags.commit, dryRun: flags.dryRun });
    await sayTotals(checked, context);
    sayUnreached(checked, context);
    return { result: checked.entries, exit: toExit(checked) };
  },
  text: renderEntries,
});

/** The older scheme, for pipelines that were written for it: 1 is an error, 2 a change. */
function toExit({ exit, usesLegacyExitCodes }: CheckedImages): ExitCode {
  if (!usesLegacyExitCodes) return exit;
  if (exit === exitCodes.remote) return 1;
  return exit === exitCodes.deny ? 2 : exit;
}

function needsForge(): Fault {
  return new Fault('USAGE', {
    what: 'requests on GitHub and GitLab are not opened by this version',
    expected: 'pins in the working tree, which you commit yourself',
    next: 'cg images check --no-commit',
  });
}

async function sayTotals(
  { imagesChecked, newTags, entries }: CheckedImages,
  context: Context,
): Promise<void> {
  const bases = entries.filter(({ image }) => image.startsWith('base:')).length;
  const line = `${formatCount(imagesChecked, 'image')} checked for tags, ${formatCount(newTags, 'new upstream tag')}; ${formatCount(bases, 'base')} looked at`;
  context.say(line);
  await appendSummary('CascadeGuard', `- ${line}`, context);
}

import { stage } from '../../ground/progress/progress.ts';
import { rollBack } from '../../workflow/roll-back.ts';
import { defineCommand } from '../command.ts';
import { deliveryFlags, deliveryOptions, overrideAbout } from '../delivery-flags.ts';
import { renderPinChanges, sayRendering } from '../show/pin-changes.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg rollback prod', does: 'all images to the digests that they had before' },
    { run: 'cg rollback prod catalog --reason "errors since 14:02"', does: 'one image, and why' },
    {
      run: 'cg rollback prod catalog --allow-unverified --reason "INC-7: worse without it"',
      does: 'although the policy of today denies the old digest; the commit names the rules',
    },
  ],
  about:
    'The digest before is the one that the history of the file tells. Its evidence is judged by the policy as it is now:\n' +
    'an old digest with a new hole does not come back without --allow-unverified.\n' +
    overrideAbout,
  args: [
    { name: 'ENVIRONMENT', brief: 'one of gitops.environments', required: true },
    { name: 'NAME', brief: 'entries of its kustomization', required: false, many: true },
  ],
  flags: deliveryFlags,
  async run({ flags, args: [environment = '', ...names] }, context) {
    const options = await deliveryOptions(flags, context);
    const result = await stage(context.progress, `roll back ${environment}`, () =>
      rollBack({ ...options, environment, names }),
    );
    const said = sayRendering(result);
    if (said !== undefined) context.say(said);
    return { result };
  },
  text: renderPinChanges,
});

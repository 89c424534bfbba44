import { stage } from '../../ground/progress/progress.ts';
import { defined } from '../../model/defined.ts';
import { rollBack } from '../../workflow/roll-back.ts';
import { defineCommand } from '../command.ts';
import { deliveryFlags, deliveryOptions } from '../delivery-flags.ts';
import { renderPinChanges, sayRendering } from '../show/pin-changes.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg rollback prod', does: 'all images to the digests that they had before' },
    { run: 'cg rollback prod catalog --reason "errors since 14:02"', does: 'one image, and why' },
  ],
  about:
    'The digest before is the one that the history of the file tells. Its evidence is judged by the policy as it is now:\n' +
    'an old digest with a new hole does not come back without --allow-unverified.',
  args: [
    { name: 'ENVIRONMENT', brief: 'one of gitops.environments', required: true },
    { name: 'NAME', brief: 'entries of its kustomization', required: false, many: true },
  ],
  flags: {
    reason: { kind: 'text', placeholder: 'TEXT', brief: 'why, for the commit' },
    ...deliveryFlags,
  },
  async run({ flags, args: [environment = '', ...names] }, context) {
    const options = await deliveryOptions(flags, context);
    const result = await stage(context.progress, `roll back ${environment}`, () =>
      rollBack({ ...options, environment, names, ...defined({ reason: flags.reason }) }),
    );
    const said = sayRendering(result);
    if (said !== undefined) context.say(said);
    return { result };
  },
  text: renderPinChanges,
});

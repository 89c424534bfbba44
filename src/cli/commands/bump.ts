import { stage } from '../../ground/progress/progress.ts';
import { bumpImages } from '../../workflow/bump-images.ts';
import { defineCommand } from '../command.ts';
import { deliveryFlags, deliveryOptions, overrideAbout } from '../delivery-flags.ts';
import { renderPinChanges, sayRendering } from '../show/pin-changes.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg bump dev ghcr.io/shop/web@sha256:…', does: 'pin it in the dev environment, with a commit' },
    {
      run: 'cg bump dev ghcr.io/shop/web:1.4@sha256:… ghcr.io/shop/api@sha256:…',
      does: 'several in one commit, or none',
    },
    {
      run: 'cg bump dev catalog=ghcr.io/shop/web@sha256:… --plan',
      does: 'by the name of the entry; only say what would change',
    },
  ],
  about:
    'The registry must have the digest, and its evidence must satisfy the policy of the environment; only then is Git\n' +
    'touched. One line of the kustomization changes, comments and all else stay. When somebody else pushes in between,\n' +
    'the edit is made anew on what is there then: any number of writers lose nothing.\n' +
    overrideAbout,
  args: [
    { name: 'ENVIRONMENT', brief: 'one of gitops.environments', required: true },
    { name: '[NAME=]IMAGE@DIGEST', brief: 'what to pin', required: true, many: true },
  ],
  flags: {
    add: { kind: 'toggle', brief: 'make an entry for an image that has none' },
    ...deliveryFlags,
  },
  async run({ flags, args: [environment = '', ...images] }, context) {
    const options = await deliveryOptions(flags, context);
    const result = await stage(context.progress, `bump ${environment}`, () =>
      bumpImages({ ...options, environment, images, add: flags.add }),
    );
    const said = sayRendering(result);
    if (said !== undefined) context.say(said);
    return { result };
  },
  text: renderPinChanges,
});

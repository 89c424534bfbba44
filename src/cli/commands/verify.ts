import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { verifyImage } from '../../workflow/verify-image.ts';
import { defineCommand } from '../command.ts';
import { requirementChoice, requirementFlags } from '../evidence/requirement-flags.ts';
import { trustChoice, trustFlags } from '../evidence/trust-flags.ts';
import { reachOptions, registryFlags } from '../registry-flags.ts';
import { renderVerified } from '../show/verified.ts';

const exits = {
  accepted: exitCodes.done,
  'not-found': exitCodes.deny,
  rejected: exitCodes.deny,
  forged: exitCodes.trust,
} as const;

export const command = defineCommand({
  examples: [
    {
      run:
        'cg verify ghcr.io/shop/web:1.4 --issuer https://token.actions.githubusercontent.com' +
        ' --identity https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main',
      does: 'signed by that workflow on main?',
    },
    {
      run: 'cg verify ghcr.io/shop/web:1.4 --key cosign.pub --type slsaprovenance1 --type spdxjson',
      does: 'signed with the key, with provenance and an SBOM?',
    },
    {
      run: 'cg verify oci:./web --offline --key cosign.pub',
      does: 'in a folder, without opening a connection',
    },
  ],
  about:
    'Every piece of evidence is read, wherever it lies (referrers, their fallback tag, .sig, .att), and judged alone: a bad\n' +
    'one never hides a good one, and an attestation never counts as a signature. Exit code 0: everything required was\n' +
    'accepted. 1: nothing was found, or nothing acceptable. 3: could not look. 4: all that was found is forged or damaged.',
  args: [{ name: 'IMAGE', brief: 'the image to verify', required: true }],
  flags: {
    ...requirementFlags,
    ...trustFlags,
    ...registryFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    const result = await verifyImage({
      ...(await reachOptions(flags, context)),
      ...trustChoice(flags, context),
      image,
      ...requirementChoice(flags),
      onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    });
    return { result, exit: exits[result.verdict] };
  },
  text: renderVerified,
});

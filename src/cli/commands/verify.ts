import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { resolvePredicateType } from '../../model/statement.ts';
import { verifyImage } from '../../workflow/verify-image.ts';
import { defineCommand } from '../command.ts';
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
    type: {
      kind: 'text',
      placeholder: 'TYPE',
      brief: 'also require an attestation of this type: a short name or a URI',
      many: true,
    },
    signature: { kind: 'toggle', brief: 'require no image signature, only the attestations', fallback: true },
    threshold: {
      kind: 'count',
      placeholder: 'N',
      brief: 'by how many different signers each',
      min: 1,
      max: 16,
      fallback: 1,
    },
    recursive: { kind: 'toggle', brief: 'every platform of an index must pass on its own', short: 'r' },
    ...trustFlags,
    ...registryFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    const result = await verifyImage({
      ...(await reachOptions(flags, context)),
      ...trustChoice(flags, context),
      image,
      recursive: flags.recursive,
      signature: flags.signature,
      predicateTypes: flags.type.map(resolvePredicateType),
      threshold: flags.threshold,
      onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    });
    return { result, exit: exits[result.verdict] };
  },
  text: renderVerified,
});

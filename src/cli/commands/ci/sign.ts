import { digestOf, readReference } from '../../../workflow/ci/handover.ts';
import { signImage } from '../../../workflow/sign-image.ts';
import { defineCommand } from '../../command.ts';
import { signingFlags, signingOptions } from '../../evidence/signing-flags.ts';
import { renderSigned } from '../../show/signed.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci sign "$REF"', does: 'the digest and every platform in it; never a tag' }],
  args: [
    { name: 'REF', brief: 'the image by its digest, or @FILE.json of the stage before', required: true },
  ],
  flags: signingFlags,
  async run({ flags, args: [text = ''] }, context) {
    const image = await readReference(text, context.cwd);
    digestOf(image);
    return { result: await signImage({ ...(await signingOptions(image, flags, context)), recursive: true }) };
  },
  text: result => renderSigned(result, 'signed'),
});

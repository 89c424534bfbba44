import { digestOf, readReference } from '../../../workflow/ci/handover.ts';
import { signImage } from '../../../workflow/sign-image.ts';
import { defineCommand } from '../../command.ts';
import { signingFlags } from '../../evidence/signing-flags.ts';
import { stageSigning } from '../../evidence/stage-signing.ts';
import { renderSigned } from '../../show/signed.ts';
import { stageReference } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci sign "$REF"', does: 'the digest and every platform in it; never a tag' }],
  about:
    'A job that would sign as somebody whom policy.yaml (or promotion.yaml) does not expect is stopped before anything is\n' +
    'logged: exit code 4.',
  args: [stageReference],
  flags: signingFlags,
  async run({ flags, args: [text = ''] }, context) {
    const image = await readReference(text, context.cwd);
    digestOf(image);
    return { result: await signImage({ ...(await stageSigning(image, flags, context)), recursive: true }) };
  },
  text: result => renderSigned(result, 'signed'),
});

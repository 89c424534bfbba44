import { signImage } from '../../workflow/sign-image.ts';
import { defineCommand } from '../command.ts';
import { signingFlags, signingOptions } from '../evidence/signing-flags.ts';
import { renderSigned } from '../show/signed.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg sign ghcr.io/shop/web:1.4', does: 'in CI: sign the digest behind the tag, as this job' },
    { run: 'cg sign ghcr.io/shop/web:1.4 --recursive', does: 'the index and every platform in it' },
    { run: 'cg sign 127.0.0.1:5000/shop/web:1.4 --local', does: 'try it here, with the local Sigstore' },
    {
      run: 'cg sign registry.example.com/shop/web:1.4 --key cosign.key',
      does: 'with a key; nothing is published',
    },
  ],
  about:
    'The tag is looked up once and the digest is signed. Without --key the job proves who it is: GitHub Actions needs\n' +
    'the permission id-token: write, GitLab CI an id_tokens block that sets SIGSTORE_ID_TOKEN with the audience sigstore.\n' +
    'Every signature is verified before it is stored and read back afterwards. The password of an encrypted key comes\n' +
    'from COSIGN_PASSWORD or is asked for. A key signs without a log, unless one is named.',
  args: [{ name: 'IMAGE', brief: 'the image to sign', required: true }],
  flags: signingFlags,
  async run({ flags, args: [image = ''] }, context) {
    return { result: await signImage(await signingOptions(image, flags, context)) };
  },
  text: result => renderSigned(result, 'signed'),
});

import { mintDevelopmentToken } from '../../../workflow/serve-sigstore.ts';
import { defineCommand } from '../../command.ts';
import { localFlags, localPlace } from '../../evidence/local-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg sigstore token --as github > token',
      does: 'be a job of GitHub Actions, for cosign or for cg sign',
    },
    {
      run: 'cg sigstore token --as gitlab > token',
      does: 'or of GitLab CI; cg sign takes it with --identity-token token',
    },
    { run: 'cg sigstore token --as you@example.com', does: 'or a person' },
  ],
  about:
    'The token is good for the local Sigstore of the same project and for nothing else. The server need not run.',
  flags: {
    as: {
      kind: 'text',
      placeholder: 'WHO',
      brief: 'github, gitlab, an e-mail address, or a whole identity of a workflow or pipeline',
      fallback: 'github',
    },
    ...localFlags,
  },
  async run({ flags }, context) {
    const { project = 'local', folder } = localPlace(flags, context);
    const token = await mintDevelopmentToken({
      as: flags.as,
      project,
      environment: context.env,
      ...(folder !== undefined && { folder }),
    });
    return { result: { as: flags.as, token } };
  },
  text: ({ token }) => token,
});

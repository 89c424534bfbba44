import type { SigningIdentity } from '../signing-identity.ts';
import { writeYaml } from './yaml.ts';

export const policyPath = 'policy.yaml';

/** The first policy: whom to believe, and what must be there. It is the user's from then on. */
export function renderPolicy(identity: SigningIdentity | undefined): string {
  const rules = {
    sources: [
      {
        policy: ['github.com/conforma/policy//policy/lib', 'github.com/conforma/policy//policy/release'],
        config: { include: ['slsa_provenance_available', 'sbom', 'cve'] },
      },
    ],
  };
  const head =
    '# What an image must prove before it gets a tag. Yours: made once, and never changed again.\n';
  if (identity !== undefined) return head + writeYaml({ identity, ...rules });
  const missing = [
    '# Nobody is believed yet: say who signs. On GitHub that is',
    '# identity:',
    '#   issuer: https://token.actions.githubusercontent.com',
    '#   subject: https://github.com/OWNER/REPOSITORY/.github/workflows/cg-image.yml@refs/heads/main',
    '# and on GitLab',
    '# identity:',
    '#   issuer: https://gitlab.com',
    '#   subject: https://gitlab.com/GROUP/PROJECT//.gitlab-ci.yml@refs/heads/main',
    '',
  ];
  return head + missing.join('\n') + writeYaml(rules);
}

import { Fault } from '../../ground/fault/fault.ts';
import type { Environment } from '../../ground/http/proxy.ts';

/** With any of these a job can sign, or get the token with which it can. */
const signingVariables = [
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SIGSTORE_ID_TOKEN',
];

/** What runs foreign code must not be able to sign: a job that could is refused before anything runs. */
export function refuseSigningCredentials(stage: string, env: Environment): void {
  const found = signingVariables.filter(name => (env[name] ?? '') !== '');
  if (found.length === 0) return;
  throw new Fault('USAGE', {
    what: `cg ci ${stage} runs code of others, and this job could sign`,
    expected: 'a job without an identity token',
    actual: found.join(', '),
    next: 'take id-token: write (GitLab: id_tokens) from this job; only the one that signs has it',
  });
}

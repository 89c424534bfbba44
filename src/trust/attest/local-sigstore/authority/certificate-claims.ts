import { extensions } from '../../certificates/profile.ts';
import type { Claims } from '../../identity-token/claims.ts';
import { Refusal } from '../refusal.ts';

/** What a certificate says about its holder. */
export interface CertificateIdentity {
  /** What the holder signs to prove that the key is theirs. */
  readonly challenge: string;
  readonly subject: { readonly kind: 'uri' | 'email'; readonly value: string };
  /** Extensions 57264.1.N: raw bytes for 1 to 6 and texts from 8 on, in order. */
  readonly claims: ReadonlyMap<number, string>;
}

type Claim = (name: string, fallback?: string) => string;

export function identityFromClaims(token: Claims): CertificateIdentity {
  const claim: Claim = (name, fallback) => {
    const value = token[name];
    const isWritten = typeof value === 'string' || typeof value === 'number';
    if (isWritten && value !== '') return String(value);
    if (fallback !== undefined) return fallback;
    throw new Refusal(400, `the identity token has no claim "${name}"`);
  };
  if (token['job_workflow_ref'] !== undefined) return githubIdentity(claim);
  if (token['ci_config_ref_uri'] !== undefined) return gitlabIdentity(claim);
  if (token['email'] !== undefined) return personIdentity(claim, token['email_verified'] === true);
  throw new Refusal(
    400,
    'the identity token has none of the claims "job_workflow_ref", "ci_config_ref_uri", "email"',
  );
}

export function encodeClaims(identity: CertificateIdentity): Buffer[] {
  return [...identity.claims]
    .filter(([, value]) => value !== '')
    .map(([n, value]) => (n < 8 ? extensions.fulcioBytes(n, value) : extensions.fulcioText(n, value)));
}

function githubIdentity(claim: Claim): CertificateIdentity {
  const url = 'https://github.com';
  const repository = `${url}/${claim('repository')}`;
  const signer = `${url}/${claim('job_workflow_ref')}`;
  return {
    challenge: claim('sub'),
    subject: { kind: 'uri', value: signer },
    claims: numbered({
      1: claim('iss'),
      2: claim('event_name'),
      3: claim('sha'),
      4: claim('workflow'),
      5: claim('repository'),
      6: claim('ref'),
      8: claim('iss'),
      9: signer,
      10: claim('job_workflow_sha'),
      11: claim('runner_environment'),
      12: repository,
      13: claim('sha'),
      14: claim('ref'),
      15: claim('repository_id'),
      16: `${url}/${claim('repository_owner')}`,
      17: claim('repository_owner_id'),
      18: `${url}/${claim('workflow_ref')}`,
      19: claim('workflow_sha'),
      20: claim('event_name'),
      21: `${repository}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}`,
      22: claim('repository_visibility'),
      23: claim('environment', ''),
      24: claim('sub'),
    }),
  };
}

function gitlabIdentity(claim: Claim): CertificateIdentity {
  const config = claim('ci_config_ref_uri');
  const url = `https://${config.slice(0, config.indexOf('/'))}`;
  const project = `${url}/${claim('project_path')}`;
  const ref = claim('ref_type') === 'branch' ? `refs/heads/${claim('ref')}` : `refs/tags/${claim('ref')}`;
  return {
    challenge: claim('sub'),
    subject: { kind: 'uri', value: `https://${config}` },
    claims: numbered({
      1: claim('iss'),
      8: claim('iss'),
      9: `https://${config}`,
      10: claim('ci_config_sha'),
      11: claim('runner_environment'),
      12: project,
      13: claim('sha'),
      14: ref,
      15: claim('project_id'),
      16: `${url}/${claim('namespace_path')}`,
      17: claim('namespace_id'),
      18: `https://${config}`,
      19: claim('ci_config_sha'),
      20: claim('pipeline_source'),
      21: `${project}/-/jobs/${claim('job_id')}`,
      22: claim('project_visibility'),
      23: claim('environment', ''),
      24: claim('sub'),
    }),
  };
}

function personIdentity(claim: Claim, isVerified: boolean): CertificateIdentity {
  if (!isVerified) throw new Refusal(400, 'the claim "email_verified" of the identity token is not true');
  const email = claim('email');
  if (!/^[\x21-\x7e]+@[\x21-\x7e]+$/.test(email))
    throw new Refusal(400, 'the claim "email" is not an address');
  return {
    challenge: email,
    subject: { kind: 'email', value: email },
    claims: numbered({ 1: claim('iss'), 8: claim('iss'), 24: claim('sub') }),
  };
}

function numbered(claims: Readonly<Record<number, string>>): Map<number, string> {
  return new Map(Object.entries(claims).map(([n, value]) => [Number(n), value]));
}

import type { IdentityPattern } from '../../../model/identity.ts';
import { readPolicy } from '../../gate/read-policy.ts';
import { findPolicy } from '../find-policy.ts';

/**
 * As whom a job may sign: what the policy of the project expects. A job that would sign as somebody else says so before
 * anything stands in a public log, and not when a consumer refuses it. A policy that names a key expects nobody.
 */
export async function findExpectedSigners(cwd: string): Promise<readonly IdentityPattern[]> {
  const found = await findPolicy({ cwd });
  if (found.policy === undefined && found.promotion === undefined) return [];
  const { policy } = await readPolicy({ ...found, cwd });
  return policy.publicKey === undefined ? policy.identities : [];
}

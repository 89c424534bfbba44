import { isAbsolute, join } from 'node:path';
import type { Environment } from '../../ground/http/proxy.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import type { Clock } from '../../model/clock.ts';
import type { CheckSignature } from '../../risk/tools/find-tool.ts';
import type { LockedTool } from '../../risk/tools/lock.ts';
import type { AcceptedTrust } from '../../trust/attest/trust-root/production-wall.ts';
import type { TrustRoot } from '../../trust/attest/trust-root/trust-root.ts';
import { judgeItem } from '../../trust/attest/verify/judge.ts';
import { readPublicRoot } from '../evidence/trust-roots.ts';

export const largestBundle = 4 * 1024 * 1024;

/** Whom publishers are checked against. */
export interface PublisherTrust {
  readonly roots: readonly TrustRoot[];
  /** The public Sigstore alone, without it. */
  readonly trust?: AcceptedTrust;
}

/** The root of the public Sigstore, the newest of this machine. */
export async function publicTrust(env: Environment): Promise<PublisherTrust> {
  return { roots: [await readPublicRoot(env)] };
}

/** Why a bundle does not prove that a publisher made an asset; undefined when it does. */
export function refuteSignature(
  o: { readonly bundle: Uint8Array; readonly sha256: string; readonly identity: LockedTool['identity'] },
  { roots, trust }: PublisherTrust,
  clock: Clock,
): string | undefined {
  if (o.identity === undefined) return 'the lock does not say who signs it';
  const { issuer, san } = o.identity;
  const item = judgeItem(
    { id: 'bundle', store: 'file', form: 'bundle', bytes: o.bundle },
    {
      digest: `sha256:${o.sha256}`,
      identities: [{ issuer, subject: san }],
      allowBlobSignature: true,
      ...(trust !== undefined && { trust }),
    },
    { roots, clock },
  );
  if (item.verified) return undefined;
  const [reason] = item.reasons;
  const compared =
    reason?.wanted === undefined ? '' : ` (wanted ${reason.wanted}, got ${reason.got ?? 'none'})`;
  return `its signature is not accepted: ${reason?.message ?? 'no reason is given'}${compared}`;
}

/** Judges the bundle that lies beside the lock, again at every run: a lock says what to prove, and proves nothing itself. */
export function checkLockedSignature(
  folder: string,
  trust: () => Promise<PublisherTrust>,
  clock: Clock,
): CheckSignature {
  return async (tool, { bundle, sha256 }) => {
    if (bundle === undefined) return 'the lock has no signature of it';
    if (/^[a-z]+:/i.test(bundle)) return 'its signature is an address, and has to be a file beside the lock';
    if (isAbsolute(bundle) || bundle.split('/').includes('..'))
      return 'its signature is not below the folder of the lock';
    const bytes = await readBundle(join(folder, bundle));
    if (bytes === undefined) return `its signature ${bundle} is missing or too large`;
    return refuteSignature({ bundle: bytes, sha256, identity: tool.identity }, await trust(), clock);
  };
}

async function readBundle(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path, largestBundle);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

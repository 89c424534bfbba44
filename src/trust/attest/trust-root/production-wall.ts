import { Fault } from '../../../ground/fault/fault.ts';
import { isLocalTrust } from '../../../model/evidence.ts';
import { saysLocal } from './local-certificate.ts';
import type { TrustRoot } from './trust-root.ts';

/** Which trust roots a policy believes: the public one and those it names. */
export interface AcceptedTrust {
  /** Names beside `public-good`: `private:…`. */
  readonly roots?: readonly string[];
  /** Set by --allow-local-trust alone; it makes every report say that it is not about production. */
  readonly allowLocal?: boolean;
}

export function isTrustAccepted(trust: string, accepted: AcceptedTrust): boolean {
  if (isLocalTrust(trust)) return accepted.allowLocal === true;
  return trust === 'public-good' || trust.startsWith('key:') || (accepted.roots ?? []).includes(trust);
}

/**
 * Keeps a local root from hiding under another name, for instance merged into a production root:
 * its certificates say what they are, and known local keys are compared.
 */
export function refuseHiddenLocalRoot(root: TrustRoot, knownLocal: readonly TrustRoot[] = []): void {
  if (isLocalTrust(root.name)) return;
  const localKeys = new Set(knownLocal.flatMap(keysOf));
  const hidden = keysOf(root).some(key => localKeys.has(key)) || certificatesOf(root).some(saysLocal);
  if (!hidden) return;
  throw new Fault('TRUST_ROOT_INVALID', {
    what: `The trust root "${root.name}" contains keys of a local Sigstore.`,
    expected: 'a trust root without any local certificate authority, log or timestamp authority',
    next: 'remove the local entries from the file, or name the root local:<project>',
  });
}

function certificatesOf(root: TrustRoot) {
  return [...root.authorities, ...root.timestampAuthorities].flatMap(({ chain }) => chain);
}

function keysOf(root: TrustRoot): string[] {
  const logs = [...root.logs, ...root.certificateLogs];
  return [...certificatesOf(root), ...logs].map(({ spki }) => spki.toString('base64'));
}

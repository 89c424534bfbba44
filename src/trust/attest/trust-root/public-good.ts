import shipped from './public-good.json' with { type: 'json' };
import { parseTrustRoot, type TrustRoot } from './trust-root.ts';

const day = 24 * 60 * 60 * 1000;

/** The trust root of the public Sigstore as it was when this program was made. */
export function publicGoodRoot(): TrustRoot {
  root ??= {
    ...parseTrustRoot('public-good', JSON.stringify(shipped.trustedRoot)),
    expires: new Date(shipped.expires),
    taken: new Date(shipped.taken),
    origin: 'shipped',
  };
  return root;
}

/** The version of the root metadata under which it was signed. */
export const shippedRootVersion = shipped.rootVersion;

let root: TrustRoot | undefined;

export interface TrustRootAge {
  readonly state: 'fresh' | 'old' | 'expired';
  readonly days: number;
  readonly message: string;
}

/** Old after 180 days, refused after its expiry. */
export function ageOf({ name, taken, expires }: TrustRoot, now: Date): TrustRootAge {
  const days = taken === undefined ? 0 : Math.floor((now.getTime() - taken.getTime()) / day);
  if (expires !== undefined && now >= expires) {
    const message = `the trust root "${name}" expired on ${expires.toISOString().slice(0, 10)}`;
    return { state: 'expired', days, message };
  }
  const state = days > 180 ? 'old' : 'fresh';
  return { state, days, message: `the trust root "${name}" is ${days} days old` };
}

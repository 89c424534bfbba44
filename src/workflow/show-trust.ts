import { X509Certificate } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { refuseHiddenLocalRoot } from '../trust/attest/trust-root/production-wall.ts';
import { ageOf } from '../trust/attest/trust-root/public-good.ts';
import type { TrustRoot } from '../trust/attest/trust-root/trust-root.ts';
import { findLocalRoot, type LocalPlace, localFolder, readTrustRoots } from './evidence/trust-roots.ts';

export interface ShowTrust {
  readonly trustedRoots: readonly string[];
  readonly local: LocalPlace;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

export interface ShownRoot {
  /** `public-good`, `private:<name>` or `local:<project>`. */
  readonly name: string;
  readonly state: 'fresh' | 'old' | 'expired';
  readonly taken?: string;
  /** Of the public root alone. */
  readonly origin?: 'shipped' | 'refreshed';
  readonly expires?: string;
  readonly days: number;
  readonly logs: readonly string[];
  readonly authorities: readonly string[];
  readonly timestampAuthorities: readonly string[];
}

/** Which roots would judge evidence, what is in them and how old they are. */
export async function showTrust(o: ShowTrust): Promise<{ readonly roots: readonly ShownRoot[] }> {
  const local = await findLocalRoot(localFolder(o.local, o.env));
  const locals = local === undefined ? [] : [local];
  const given = await readTrustRoots(o.trustedRoots, o.env);
  for (const root of given) refuseHiddenLocalRoot(root, locals);
  const roots = [...given, ...locals];
  return { roots: roots.map(root => describe(root, o.clock)) };
}

function nameOf({ raw }: { readonly raw: Uint8Array }): string {
  return new X509Certificate(raw).subject.replaceAll('\n', ', ');
}

function describe(root: TrustRoot, clock: Clock): ShownRoot {
  const { state, days } = ageOf(root, clock.now());
  const subjects = (authorities: TrustRoot['authorities']) =>
    authorities.flatMap(({ chain }) => chain.slice(0, 1).map(nameOf));
  return {
    name: root.name,
    state,
    ...(root.taken !== undefined && { taken: root.taken.toISOString() }),
    ...(root.origin !== undefined && { origin: root.origin }),
    ...(root.expires !== undefined && { expires: root.expires.toISOString() }),
    days,
    logs: root.logs.map(({ baseUrl }) => baseUrl),
    authorities: subjects(root.authorities),
    timestampAuthorities: subjects(root.timestampAuthorities),
  };
}

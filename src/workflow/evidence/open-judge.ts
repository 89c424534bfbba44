import type { KeyObject } from 'node:crypto';
import { Fault } from '../../ground/fault/fault.ts';
import { type Clock, systemClock } from '../../model/clock.ts';
import type { IdentityPattern } from '../../model/identity.ts';
import { nearest } from '../../model/nearest.ts';
import {
  firstFulcioExtensions,
  fulcioExtensions,
} from '../../trust/attest/certificates/fulcio-extensions.ts';
import { refuseHiddenLocalRoot } from '../../trust/attest/trust-root/production-wall.ts';
import { ageOf } from '../../trust/attest/trust-root/public-good.ts';
import type { TrustRoot } from '../../trust/attest/trust-root/trust-root.ts';
import { checkPatterns, type Expectations } from '../../trust/attest/verify/expectations.ts';
import type { Verifier } from '../../trust/attest/verify/judge.ts';
import { reasonOf } from '../../trust/attest/verify/rejection.ts';
import type { ReachOptions } from '../reach-registries.ts';
import { openPublicKey } from './open-key.ts';
import { findLocalRoot, type LocalPlace, localFolder, readLocalRoot, readTrustRoots } from './trust-roots.ts';

/** Whom and what to believe. */
export interface TrustChoice {
  readonly identities?: readonly IdentityPattern[];
  /** Files, or `env://NAME`. */
  readonly keys?: readonly string[];
  /** `FILE` or `NAME=FILE`; without any, the root of the public Sigstore that ships with the program. */
  readonly trustedRoots?: readonly string[];
  readonly allowStaleRoot?: boolean;
  /** Accept evidence of the local Sigstore of this machine; the result then says that it is not about production. */
  readonly allowLocalTrust?: boolean;
  readonly local?: LocalPlace;
  /** How many distinct logs and how many verified times each item needs. */
  readonly logEntries?: number;
  readonly times?: number;
  /** The largest single piece of evidence, in bytes. */
  readonly maxItemBytes?: number;
  readonly clock?: Clock;
}

/** What it takes to judge: expectations without a digest, and the roots. */
export interface Judge {
  readonly expectations: Omit<Expectations, 'digest'>;
  readonly verifier: Verifier;
  readonly allowsLocal: boolean;
  readonly warnings: readonly string[];
}

export async function openJudge(o: TrustChoice & { readonly env: ReachOptions['env'] }): Promise<Judge> {
  const identities = o.identities ?? [];
  if (identities.length === 0 && (o.keys ?? []).length === 0) {
    throw new Fault('USAGE', {
      what: 'Verifying needs to know whom you expect: anybody can sign.',
      expected: '--identity and --issuer, or --key',
      next: 'add --identity WHO --issuer https://token.actions.githubusercontent.com, or --key cosign.pub',
    });
  }
  refuseBadPatterns(identities);
  const keys: KeyObject[] = [];
  for (const key of o.keys ?? []) keys.push(await openPublicKey(key, o.env));
  const local = await localRoots(o);
  const given = await readTrustRoots(o.trustedRoots ?? [], o.env ?? {});
  // Under whatever name, and merged into whatever file: the keys of this machine's Sigstore vouch for nothing else.
  for (const root of given) refuseHiddenLocalRoot(root, local);
  const roots = [...given, ...local];
  const named = roots.map(({ name }) => name);
  const demands = {
    ...(o.logEntries !== undefined && { logEntries: o.logEntries }),
    ...(o.times !== undefined && { times: o.times }),
  };
  const clock = o.clock ?? systemClock;
  return {
    expectations: {
      identities,
      keys,
      trust: {
        roots: named.filter(name => name.startsWith('private:')),
        allowLocal: o.allowLocalTrust ?? false,
      },
      demands,
    },
    verifier: {
      roots,
      clock,
      ...(o.allowStaleRoot !== undefined && { allowStaleRoot: o.allowStaleRoot }),
      ...(o.maxItemBytes !== undefined && { maxSize: o.maxItemBytes }),
    },
    allowsLocal: o.allowLocalTrust ?? false,
    warnings: warningsOf(o, roots, clock),
  };
}

async function localRoots(
  o: TrustChoice & { readonly env: ReachOptions['env'] },
): Promise<readonly TrustRoot[]> {
  const folder = localFolder(o.local ?? {}, o.env);
  if (o.allowLocalTrust === true && (o.trustedRoots ?? []).length === 0) return [await readLocalRoot(folder)];
  const root = await findLocalRoot(folder);
  return root === undefined ? [] : [root];
}

function warningsOf({ allowLocalTrust }: TrustChoice, roots: readonly TrustRoot[], clock: Clock): string[] {
  return [
    ...(allowLocalTrust === true
      ? ['evidence of a local Sigstore is accepted: this result is NOT FOR PRODUCTION']
      : []),
    ...roots
      .map(root => ageOf(root, clock.now()))
      .flatMap(({ state, message }) => (state === 'fresh' ? [] : [message])),
  ];
}

/** A pattern that can never match is a mistake of the command line, and not a fault of the evidence. */
function refuseBadPatterns(identities: readonly IdentityPattern[]): void {
  const known = [...new Set([...Object.keys(fulcioExtensions), ...Object.keys(firstFulcioExtensions)])];
  for (const name of identities.flatMap(({ claims = {} }) => Object.keys(claims))) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new Fault('USAGE', {
      what: `no certificate says anything about "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      expected: known.join(', '),
      actual: name,
      next: 'cg verify --help',
    });
  }
  try {
    checkPatterns(identities);
  } catch (error) {
    throw new Fault('USAGE', {
      what: `The expected identity cannot be used: ${reasonOf(error).message}.`,
      expected: '--identity (or --identity-regexp) and --issuer (or --issuer-regexp)',
      next: 'cg verify --help',
    });
  }
}

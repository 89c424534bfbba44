import type { KeyObject } from 'node:crypto';
import { Fault } from '../ground/fault/fault.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import type { EvidenceItem } from '../model/evidence.ts';
import type { IdentityPattern } from '../model/identity.ts';
import { nearest } from '../model/nearest.ts';
import { firstFulcioExtensions, fulcioExtensions } from '../trust/attest/certificates/fulcio-extensions.ts';
import { collectEvidence } from '../trust/attest/storage/collect-evidence.ts';
import { ageOf } from '../trust/attest/trust-root/public-good.ts';
import type { TrustRoot } from '../trust/attest/trust-root/trust-root.ts';
import { checkPatterns, type Expectations } from '../trust/attest/verify/expectations.ts';
import { judgeItem, type Verifier } from '../trust/attest/verify/judge.ts';
import { reasonOf } from '../trust/attest/verify/rejection.ts';
import { openPublicKey } from './evidence/open-key.ts';
import {
  findMissing,
  judgeOutcome,
  type Missing,
  type Requirements,
  type Verdict,
} from './evidence/requirements.ts';
import { type EvidenceTarget, type ResolvedImage, resolveImage } from './evidence/targets.ts';
import {
  findLocalRoot,
  type LocalPlace,
  localFolder,
  readLocalRoot,
  readTrustRoots,
} from './evidence/trust-roots.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export type { EvidenceItem } from '../model/evidence.ts';
export type { Missing, Verdict } from './evidence/requirements.ts';

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

export interface VerifyImageOptions extends ReachOptions, TrustChoice {
  readonly image: string;
  /** Every platform must fulfil the same on its own. */
  readonly recursive?: boolean;
  /** An image signature is required; yes unless said otherwise. */
  readonly signature?: boolean;
  /** Attestations that are required, by URI. */
  readonly predicateTypes?: readonly string[];
  /** By how many different signers each. */
  readonly threshold?: number;
  readonly onWarning?: (text: string) => void;
}

export interface VerifiedImage {
  readonly reference: string;
  readonly digest: string;
  readonly verdict: Verdict;
  /** False when a local Sigstore was accepted: then it says nothing about production. */
  readonly production: boolean;
  readonly targets: readonly VerifiedTarget[];
}

export interface VerifiedTarget {
  readonly digest: string;
  readonly platform?: string;
  readonly verdict: Verdict;
  readonly missing: readonly Missing[];
  readonly items: readonly EvidenceItem[];
}

/** Reads every store, judges every item alone, and says of each what became of it. */
export async function verifyImage(o: VerifyImageOptions): Promise<VerifiedImage> {
  const judge = await openJudge(o);
  for (const warning of judge.warnings) o.onWarning?.(warning);
  return await reachRegistries(o, async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const image = await resolveImage(o.image, access, { ...call, recursive: o.recursive ?? false });
    return await judgeImage(image, judge, requirementsOf(o), o);
  });
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
  const roots = [...(await readTrustRoots(o.trustedRoots ?? [])), ...(await localRoots(o))];
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

export async function judgeImage(
  image: ResolvedImage,
  judge: Judge,
  required: Requirements,
  o: { readonly signal?: AbortSignal; readonly maxItemBytes?: number },
): Promise<VerifiedImage> {
  const targets: VerifiedTarget[] = [];
  for (const target of image.targets) targets.push(await judgeTarget(image, target, judge, required, o));
  return {
    reference: image.reference,
    digest: image.targets[0].subject.digest,
    verdict: worstOf(targets),
    production: !judge.allowsLocal,
    targets,
  };
}

export function requirementsOf(o: VerifyImageOptions): Requirements {
  return {
    signature: o.signature ?? true,
    predicateTypes: o.predicateTypes ?? [],
    threshold: o.threshold ?? 1,
  };
}

async function judgeTarget(
  image: ResolvedImage,
  { subject, platform }: EvidenceTarget,
  judge: Judge,
  required: Requirements,
  o: { readonly signal?: AbortSignal; readonly maxItemBytes?: number },
): Promise<VerifiedTarget> {
  const items: EvidenceItem[] = [];
  const expected = { ...judge.expectations, digest: subject.digest };
  const found = collectEvidence(image.registry, subject.digest, { ...o, index: image.entries });
  for await (const piece of found) {
    items.push(withoutContent('item' in piece ? piece.item : judgeItem(piece.raw, expected, judge.verifier)));
  }
  const missing = findMissing(items, required);
  const verdict = judgeOutcome(items, missing);
  return { digest: subject.digest, ...(platform !== undefined && { platform }), verdict, missing, items };
}

/** Predicates can be large and many; the verdict does not need them any more. */
function withoutContent({ statement: _statement, ...item }: EvidenceItem): EvidenceItem {
  return item;
}

function worstOf(targets: readonly VerifiedTarget[]): Verdict {
  const order: readonly Verdict[] = ['forged', 'rejected', 'not-found', 'accepted'];
  return order.find(verdict => targets.some(target => target.verdict === verdict)) ?? 'not-found';
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

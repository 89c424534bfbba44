import { type Clock, systemClock } from '../../../model/clock.ts';
import {
  type EvidenceItem,
  type EvidenceKind,
  type EvidenceReason,
  type EvidenceReasonCode,
  type EvidenceStore,
  isLocalTrust,
} from '../../../model/evidence.ts';
import { checkIdentity } from '../../../model/match-identity.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { bundleFromLegacy, type LegacyLayer } from '../bundle/legacy-layers.ts';
import { parseBundle } from '../bundle/parse-bundle.ts';
import { publicKeyHash } from '../certificates/public-key-hash.ts';
import { digestOfSimpleSigning } from '../simple-signing.ts';
import { ageOf } from '../trust-root/public-good.ts';
import type { TrustRoot } from '../trust-root/trust-root.ts';
import {
  checkPatterns,
  checkPredicateType,
  checkSubject,
  checkTrust,
  type Expectations,
  kindOf,
} from './expectations.ts';
import { type Proof, proveKeyless, proveWithKey } from './prove.ts';
import { Rejection, reasonOf } from './rejection.ts';
import { readStatement } from './statement-content.ts';

/** Evidence as it was found, before anything in it is believed. */
export type RawEvidence = FoundBundle | FoundLayer;

export interface FoundBundle {
  readonly id: string;
  readonly store: EvidenceStore;
  readonly form: 'bundle';
  readonly bytes: Uint8Array;
}

export interface FoundLayer {
  readonly id: string;
  readonly store: EvidenceStore;
  readonly form: 'layer';
  readonly layer: LegacyLayer;
}

export interface Verifier {
  readonly roots: readonly TrustRoot[];
  readonly clock?: Clock;
  /** Judge with a trust root after its expiry. */
  readonly allowStaleRoot?: boolean;
  readonly maxSize?: number;
}

/** Judges every item alone: a bad one never hides a good one and never lends it anything. */
export function judgeEvidence(
  items: readonly RawEvidence[],
  expected: Expectations,
  verifier: Verifier,
): EvidenceItem[] {
  return items.map(item => judgeItem(item, expected, verifier));
}

export function judgeItem(item: RawEvidence, expected: Expectations, verifier: Verifier): EvidenceItem {
  const { id, store } = item;
  try {
    checkPatterns(expected.identities ?? []);
    const bundle =
      item.form === 'layer' ? bundleFromLegacy(item.layer) : parseBundle(item.bytes, verifier.maxSize);
    const outcome = prove(bundle, expected, verifier);
    if (!('proof' in outcome)) return rejected(item, bundle, outcome.reasons);
    const { proof } = outcome;
    const reasons = [
      ...checkTrust(proof.trust, expected.trust),
      ...checkIdentity(proof.signer, expected.identities ?? []),
      ...checkContent(bundle, proof, expected),
    ];
    return { id, store, ...describe(proof), verified: reasons.length === 0, reasons };
  } catch (error) {
    return rejected(item, undefined, [reasonOf(error)]);
  }
}

function describe(proof: Proof) {
  const { trust, signer, times, log, statement, payloadDigest } = proof;
  return {
    kind: kindOf(statement),
    trust,
    signer,
    times,
    payloadDigest: payloadDigest.toString('hex'),
    ...(log !== undefined && { log }),
    ...(statement !== undefined && { statement, predicateType: statement.predicateType }),
  };
}

function rejected(
  item: RawEvidence,
  bundle: Bundle | undefined,
  reasons: readonly EvidenceReason[],
): EvidenceItem {
  const kind = item.store === 'att' ? 'attestation' : claimedKind(bundle);
  return { id: item.id, store: item.store, kind, verified: false, times: [], reasons };
}

/** What an item that is not believed says to be: a signature in the newer shape is an envelope as well. */
function claimedKind(bundle: Bundle | undefined): EvidenceKind {
  if (bundle?.content.kind !== 'envelope') return 'signature';
  try {
    return kindOf(readStatement(bundle.content));
  } catch {
    return 'attestation';
  }
}

type Outcome = { readonly proof: Proof } | { readonly reasons: readonly EvidenceReason[] };

function prove(bundle: Bundle, expected: Expectations, verifier: Verifier): Outcome {
  const attempts =
    bundle.material.kind === 'key'
      ? keyAttempts(bundle, expected, verifier)
      : rootAttempts(bundle, expected, verifier);
  const reasons: EvidenceReason[] = [];
  for (const attempt of attempts) {
    try {
      return { proof: attempt() };
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  const stranger = strangerOf(bundle, expected, reasons);
  if (stranger !== undefined) return { reasons: [stranger] };
  // The root that knows the authority explains best what is wrong.
  const telling = reasons.filter(({ code }) => !strange.includes(code));
  return { reasons: telling.length > 0 ? telling.slice(0, 1) : reasons };
}

/** What a root says about a Sigstore that is not its own. */
const strange: readonly EvidenceReasonCode[] = ['untrusted-issuer', 'untrusted-log', 'stale-trust-root'];

function rootAttempts(bundle: Bundle, expected: Expectations, verifier: Verifier): (() => Proof)[] {
  const now = (verifier.clock ?? systemClock).now();
  const [fresh, stale] = partition(verifier.roots, root => {
    return verifier.allowStaleRoot === true || ageOf(root, now).state !== 'expired';
  });
  return [
    ...fresh.map(root => () => proveKeyless(bundle, root, expected.demands)),
    ...stale.map(root => () => refuse({ code: 'stale-trust-root', message: ageOf(root, now).message })),
    ...(verifier.roots.length === 0
      ? [() => refuse({ code: 'untrusted-issuer', message: 'no trust root is given' })]
      : []),
  ];
}

function keyAttempts(bundle: Bundle, expected: Expectations, verifier: Verifier): (() => Proof)[] {
  const keys = (expected.keys ?? []).slice(0, 16);
  // A local Sigstore vouches for a log or a time only where it is allowed: else anybody could date a key's signature.
  const accepted = verifier.roots.filter(
    root => expected.trust?.allowLocal === true || !isLocalTrust(root.name),
  );
  const roots =
    accepted.length === 0 || bundle.entries.length + bundle.timestamps.length === 0 ? [undefined] : accepted;
  const attempts = keys.flatMap(key =>
    roots.map(root => () => proveWithKey(bundle, key, root, expected.demands)),
  );
  return attempts.length > 0
    ? attempts
    : [() => refuse({ code: 'signature', message: 'signed by a key, and no key is accepted' })];
}

/** Signed by a key that nobody accepts: not forged, unless it says to be signed by a key that is accepted. */
function strangerOf(
  { material }: Bundle,
  { keys = [] }: Expectations,
  reasons: readonly EvidenceReason[],
): EvidenceReason | undefined {
  if (material.kind !== 'key' || reasons.some(({ code }) => code !== 'signature')) return undefined;
  const accepted = keys.map(key => publicKeyHash(key).toString('base64'));
  if (accepted.includes(material.hint)) return undefined;
  return {
    code: 'identity',
    message: keys.length === 0 ? 'signed by a key, and no key is accepted' : 'not signed by an accepted key',
    ...(keys.length > 0 && { wanted: accepted.join(' or ') }),
    ...(material.hint !== '' && { got: material.hint.slice(0, 100) }),
  };
}

function checkContent(bundle: Bundle, proof: Proof, expected: Expectations): EvidenceReason[] {
  if (proof.statement !== undefined) {
    const { statement } = proof;
    return [
      ...checkSubject(statement, expected.digest),
      ...checkPredicateType(statement, expected.predicateTypes),
    ];
  }
  const message = bundle.content.kind === 'message' ? bundle.content.message : undefined;
  const got = message === undefined ? blobDigest(proof, expected) : digestOfSimpleSigning(message);
  if (got === expected.digest) return [];
  const shown = got ?? 'something that is not an image signature';
  return [
    {
      code: 'subject',
      message: `subject: ${shown.slice(0, 150)} is not this image`,
      wanted: expected.digest,
      got: shown.slice(0, 150),
    },
  ];
}

function blobDigest(proof: Proof, expected: Expectations): string | undefined {
  return expected.allowBlobSignature === true ? `sha256:${proof.payloadDigest.toString('hex')}` : undefined;
}

function refuse(reason: EvidenceReason): never {
  throw new Rejection(reason.code, reason.message);
}

function partition<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(value => test(value)), values.filter(value => !test(value))];
}

import { Fault } from '../ground/fault/fault.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { registriesOf, toLocation } from '../image/oci/open.ts';
import { systemClock } from '../model/clock.ts';
import type { Signer } from '../model/identity.ts';
import { imageSignatureType } from '../model/statement.ts';
import { legacyFromBundle } from '../trust/attest/bundle/legacy-layers.ts';
import { clientHttp } from '../trust/attest/services/client-http.ts';
import { signMessage, signStatement } from '../trust/attest/sign.ts';
import { formatSimpleSigning } from '../trust/attest/simple-signing.ts';
import { formatImageSignature } from '../trust/attest/statement.ts';
import { sendBundle } from '../trust/attest/storage/store-bundle.ts';
import { type OpenedSigning, openSigning, type SigningChoice } from './evidence/signing-place.ts';
import { type SignedEvidence, type StoredEvidence, storeSigned } from './evidence/store-signed.ts';
import { type EvidenceTarget, type ResolvedImage, resolveImage } from './evidence/targets.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

/** What is said while it happens; the signer before anything is signed. */
export type SigningEvent =
  | { readonly kind: 'resolved'; readonly reference: string; readonly digests: readonly string[] }
  | { readonly kind: 'signer'; readonly signer: Signer; readonly trust: string }
  | { readonly kind: 'warning'; readonly text: string };

export interface SignImageOptions extends ReachOptions, SigningChoice {
  readonly image: string;
  /** Also every platform of an index. */
  readonly recursive?: boolean;
  readonly onEvent?: (event: SigningEvent) => void;
}

export interface SignedImage {
  readonly reference: string;
  readonly digest: string;
  readonly signer: Signer;
  readonly trust: string;
  readonly stored: readonly StoredEvidence[];
}

const signaturesAtOnce = 6;

/** Looks a tag up once, signs the digest it names, checks the signature as a stranger would, and only then stores it. */
export async function signImage(o: SignImageOptions): Promise<SignedImage> {
  return await evidenceRun(o, async (image, signing) => {
    const call = callOf(o);
    return await inParallel(
      image.targets,
      signaturesAtOnce,
      async target => await signTarget(image, target, signing, call),
    );
  });
}

/** The story that signing and attesting share: resolve, say who signs, sign everything, store everything. */
export async function evidenceRun(
  o: SignImageOptions,
  makeEvidence: (image: ResolvedImage, signing: OpenedSigning) => Promise<readonly SignedEvidence[]>,
): Promise<SignedImage> {
  refuseOffline(o);
  return await reachRegistries(o, registriesOf(toLocation(o.image)), async access => {
    const call = callOf(o);
    const image = await resolveImage(o.image, access, { ...call, recursive: o.recursive ?? false });
    const [{ subject }] = image.targets;
    tell(o, {
      kind: 'resolved',
      reference: image.reference,
      digests: image.targets.map(t => t.subject.digest),
    });
    const signing = await openSigning(o, clientHttp(access.http), call);
    for (const text of signing.warnings) tell(o, { kind: 'warning', text });
    const { signer } = signing.run;
    tell(o, { kind: 'signer', signer, trust: signing.trust });
    const evidence = await makeEvidence(image, signing);
    const createdAt = (o.clock ?? systemClock).now();
    const stored = await storeSigned(image.registry, evidence, { ...call, createdAt });
    return {
      reference: image.reference,
      digest: subject.digest,
      signer,
      trust: signing.trust,
      stored,
    };
  });
}

/** The signature of one target, in the forms that are wanted. */
export async function signTarget(
  image: ResolvedImage,
  target: EvidenceTarget,
  { run, bundle, legacy }: OpenedSigning,
  o: { readonly signal?: AbortSignal },
): Promise<SignedEvidence> {
  const { digest } = target.subject;
  const [inBundle, inLayer] = await Promise.all([
    bundle && signStatement(run, formatImageSignature(digest), bundle, o),
    legacy && signMessage(run, formatSimpleSigning(image.name, digest), legacy, o),
  ]);
  return {
    target,
    bundles:
      inBundle === undefined
        ? []
        : [{ sent: sendBundle(image.registry, inBundle.bundle, o), predicateType: imageSignatureType }],
    layers: inLayer === undefined ? [] : [legacyFromBundle(inLayer.bundle, inLayer.issuers, undefined)],
  };
}

function tell({ onEvent }: SignImageOptions, event: SigningEvent): void {
  onEvent?.(event);
}

export function callOf({ signal }: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Only a key without a log signs without a connection, and only what lies in a folder. */
function refuseOffline({ offline, key, image }: SignImageOptions): void {
  if (offline !== true || (key !== undefined && image.startsWith('oci:'))) return;
  throw new Fault('OFFLINE', {
    what: 'signing needs a certificate authority and a log, and --offline forbids connections',
    next: 'sign an oci: folder with --key, or run the command without --offline',
  });
}

/**
 * Signing, attesting and verifying container images, as functions: `import { verifyImage } from 'cascadeguard/attest'`.
 *
 * Images are named as on the command line (`registry/repository:tag`, `@sha256:…`, `oci:FOLDER`). Everything that is
 * found is read from all places where evidence is kept, and judged item by item. Errors are `Fault`s with a stable code.
 *
 * @example
 * ```ts
 * const { verdict, targets } = await verifyImage({
 *   image: 'ghcr.io/shop/web:1.4',
 *   env: process.env,
 *   identities: [{
 *     issuer: 'https://token.actions.githubusercontent.com',
 *     subject: 'https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main',
 *   }],
 *   predicateTypes: ['https://slsa.dev/provenance/v1'],
 * });
 * ```
 * @packageDocumentation
 */
export { Fault, FaultList } from './ground/fault/fault.ts';
export type { BuildRecord } from './model/build-record.ts';
export type { Digest } from './model/digest.ts';
export type { EvidenceItem, EvidenceReason, EvidenceReasonCode } from './model/evidence.ts';
export type { CertificateSigner, IdentityPattern, KeySigner, Signer } from './model/identity.ts';
export { predicateTypes, resolvePredicateType, type Statement } from './model/statement.ts';
/** A Sigstore in this process: keys, logs and tokens for tests; nothing it signs is for production. */
export {
  type LocalSigstore,
  type LocalSigstoreOptions,
  startLocalSigstore,
} from './trust/attest/local-sigstore/start.ts';
/** What is wrong with a predicate of a known type. */
export { problemsOfPredicate } from './trust/attest/predicates/check-predicate.ts';
/** The SLSA predicate from the parts, for builders that have them at hand. */
export {
  buildProvenance,
  type ProvenanceInput,
  type ProvenancePredicate,
} from './trust/attest/provenance/provenance.ts';
/** The root of the public Sigstore that ships with this version, and how old it is. */
export { ageOf, publicGoodRoot, type TrustRootAge } from './trust/attest/trust-root/public-good.ts';
export { parseTrustRoot, type TrustRoot } from './trust/attest/trust-root/trust-root.ts';
export type { Expectations } from './trust/attest/verify/expectations.ts';
/** Judging evidence that was found elsewhere: a bundle from a file or a database. */
export { judgeEvidence, judgeItem, type RawEvidence, type Verifier } from './trust/attest/verify/judge.ts';
/** States things about an image: several predicates, one certificate. */
export {
  type AttestedImage,
  type AttestImageOptions,
  attestImage,
  type PredicateFile,
} from './workflow/attest-image.ts';
/** Copies an image with its evidence, and verifies at both ends when asked. */
export { type CopiedImage, type CopyCheck, type CopyImageOptions, copyImage } from './workflow/copy-image.ts';
/** The SLSA predicate from a build record and the environment of a CI job. */
export { type MakeProvenance, makeProvenance } from './workflow/make-provenance.ts';
/** Signs the digest behind a name. */
export {
  type SignedImage,
  type SignImageOptions,
  type SigningEvent,
  signImage,
} from './workflow/sign-image.ts';
/** Judges every piece of evidence about an image. */
export {
  type TrustChoice,
  type Verdict,
  type VerifiedImage,
  type VerifiedTarget,
  type VerifyImageOptions,
  verifyImage,
} from './workflow/verify-image.ts';

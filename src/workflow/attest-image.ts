import { readFile, stat } from 'node:fs/promises';
import { Fault } from '../ground/fault/fault.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { imageSignatureType, resolvePredicateType } from '../model/statement.ts';
import { legacyFromBundle } from '../trust/attest/bundle/legacy-layers.ts';
import { checkPredicate } from '../trust/attest/predicates/check-predicate.ts';
import { signStatement } from '../trust/attest/sign.ts';
import { buildStatement, formatStatement } from '../trust/attest/statement.ts';
import { sendBundle } from '../trust/attest/storage/store-bundle.ts';
import type { OpenedSigning } from './evidence/signing-place.ts';
import type { SignedEvidence } from './evidence/store-signed.ts';
import type { EvidenceTarget, ResolvedImage } from './evidence/targets.ts';
import { callOf, evidenceRun, type SignedImage, type SignImageOptions, signTarget } from './sign-image.ts';

export interface PredicateFile {
  /** A short name (slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, vsa, test-result …) or a URI. */
  readonly type: string;
  readonly file: string;
}

/** The same, already read. */
export interface PredicateValue {
  readonly type: string;
  readonly value: unknown;
}

export interface AttestImageOptions extends SignImageOptions {
  readonly predicates: readonly (PredicateFile | PredicateValue)[];
  /** Sign the image as well, with the same certificate. */
  readonly sign?: boolean;
}

export interface AttestedImage extends SignedImage {
  readonly predicateTypes: readonly string[];
}

interface Predicate {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** In an envelope and in base64 it still fits into what verifiers read. */
const largestPredicate = 32 * 1024 * 1024;
const statementsAtOnce = 6;

/** States things about the digest that a tag names now: one certificate, one statement for each predicate and target. */
export async function attestImage(o: AttestImageOptions): Promise<AttestedImage> {
  if (o.predicates.length === 0) {
    throw new Fault('USAGE', { what: 'there is nothing to attest', expected: '--predicate TYPE=FILE' });
  }
  // All predicates are read and checked before anybody signs anything.
  const predicates: Predicate[] = [];
  for (const source of o.predicates) predicates.push(await readPredicate(source));
  const signed = await evidenceRun(o, async (image, signing) => {
    const evidence: SignedEvidence[] = [];
    for (const target of image.targets) {
      const [signature, attestations] = await Promise.all([
        o.sign === true ? signTarget(image, target, signing, callOf(o)) : undefined,
        attestTarget(image, target, predicates, signing, callOf(o)),
      ]);
      if (signature !== undefined) evidence.push(signature);
      evidence.push(attestations);
    }
    return evidence;
  });
  return { ...signed, predicateTypes: predicates.map(({ predicateType }) => predicateType) };
}

async function attestTarget(
  image: ResolvedImage,
  target: EvidenceTarget,
  predicates: readonly Predicate[],
  { run, bundle, legacy }: OpenedSigning,
  o: { readonly signal?: AbortSignal },
): Promise<SignedEvidence> {
  const { digest } = target.subject;
  const made = await inParallel(predicates, statementsAtOnce, async ({ predicateType, predicate }) => {
    const statement = buildStatement({ name: image.name, digest, predicateType, predicate });
    const [inBundle, inLayer] = await Promise.all([
      bundle && signStatement(run, formatStatement(statement), bundle, o),
      // Readers of the old form know only the old version of the statement.
      legacy && signStatement(run, formatStatement(statement, 'v01'), legacy, o),
    ]);
    const sent = inBundle && sendBundle(image.registry, inBundle.bundle, o);
    return { predicateType, sent, inLayer };
  });
  return {
    target,
    bundles: made.flatMap(({ sent, predicateType }) => (sent === undefined ? [] : [{ sent, predicateType }])),
    layers: made.flatMap(({ inLayer, predicateType }) =>
      inLayer === undefined ? [] : [legacyFromBundle(inLayer.bundle, inLayer.issuers, predicateType)],
    ),
  };
}

async function readPredicate(source: PredicateFile | PredicateValue): Promise<Predicate> {
  const { type } = source;
  const predicateType = resolvePredicateType(type);
  if (predicateType === type && !URL.canParse(type)) {
    throw new Fault('USAGE', {
      what: `"${type}" is no predicate type`,
      expected: 'slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, vsa, test-result … or a URI',
      actual: type,
    });
  }
  if (predicateType === imageSignatureType) {
    throw new Fault('USAGE', {
      what: 'this predicate type is that of an image signature, which is not an attestation',
      actual: type,
      next: 'cg sign IMAGE',
    });
  }
  const predicate =
    'file' in source ? parsePredicate(await readPredicateFile(source.file), source.file) : source.value;
  checkPredicate(predicateType, predicate);
  return { predicateType, predicate };
}

async function readPredicateFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= largestPredicate) return await readFile(path, 'utf8');
    throw new Fault('STATEMENT_INVALID', {
      what: 'The predicate is larger than verifiers read.',
      where: path,
      expected: `at most ${largestPredicate} bytes`,
      actual: `${size} bytes`,
    });
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('FILE_MISSING', { what: 'The predicate cannot be read.', where: path, cause });
  }
}

function parsePredicate(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('FILE_INVALID', {
      what: `The predicate is not JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : 'malformed'}.`,
      where: path,
    });
  }
}

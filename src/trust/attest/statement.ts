import { Fault } from '../../ground/fault/fault.ts';
import { type Digest, hexOf } from '../../model/digest.ts';
import { imageSignatureType, type Statement, statementTypes } from '../../model/statement.ts';
import { checkPredicate } from './predicates/check-predicate.ts';

/** A statement about one image, with a predicate that fits its type. */
export function buildStatement(about: {
  readonly name: string;
  readonly digest: Digest;
  readonly predicateType: string;
  readonly predicate: unknown;
}): Statement {
  const { name, digest, predicateType, predicate } = about;
  checkPredicate(predicateType, predicate);
  if (!digest.startsWith('sha256:')) {
    throw new Fault('STATEMENT_INVALID', {
      what: 'A statement needs the SHA-256 digest of its image.',
      expected: 'sha256:…',
      actual: digest,
    });
  }
  return {
    _type: statementTypes.v1,
    subject: [{ name, digest: { sha256: hexOf(digest) } }],
    predicateType,
    predicate,
  };
}

/** The bundle form of an image signature, as cosign 3 writes it. */
export function formatImageSignature(digest: Digest): Buffer {
  const subject = [{ digest: { sha256: hexOf(digest) }, annotations: {} }];
  return Buffer.from(
    JSON.stringify({ _type: statementTypes.v1, subject, predicateType: imageSignatureType, predicate: {} }),
  );
}

/** The bytes to sign; for `.att` layers the older version is written, for readers that know nothing newer. */
export function formatStatement(statement: Statement, version: keyof typeof statementTypes = 'v1'): Buffer {
  return Buffer.from(JSON.stringify({ ...statement, _type: statementTypes[version] }));
}

import { type Statement, type StatementSubject, statementTypes } from '../../../model/statement.ts';
import type { EnvelopeContent } from '../bundle/bundle.ts';
import { statementPayloadType } from '../envelope.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import { reject } from './rejection.ts';

const maxSubjects = 10_000;

/** The statement inside an envelope whose signature has been verified. */
export function readStatement(content: EnvelopeContent): Statement {
  if (content.payloadType !== statementPayloadType) {
    reject('payload-type', 'the envelope holds something else than a statement', {
      wanted: statementPayloadType,
      got: content.payloadType.slice(0, 200),
    });
  }
  const statement = new Fields(parseStrictJson(content.payload), '');
  const type = statement.text('_type');
  if (type !== statementTypes.v1 && type !== statementTypes.v01) {
    reject('payload-type', 'the statement is of an unknown version', {
      wanted: statementTypes.v1,
      got: type.slice(0, 200),
    });
  }
  const predicateType = statement.text('predicateType');
  if (predicateType === '') reject('predicate-type', 'the statement names no predicate type');
  return {
    _type: type,
    subject: statement.objects('subject', maxSubjects).map(readSubject),
    predicateType,
    predicate: statement.raw('predicate'),
  };
}

function readSubject(subject: Fields): StatementSubject {
  const digest = subject.has('digest') ? subject.raw('digest') : {};
  const fields = new Fields(digest, 'subject.digest');
  const digests = Object.keys(digest as object).map(name => [name, fields.text(name)] as const);
  return { name: subject.text('name'), digest: Object.fromEntries(digests) };
}

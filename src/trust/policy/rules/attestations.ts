import { statementTypes } from '../../../model/statement.ts';
import { provenanceOf } from '../evidence/provenance.ts';
import { quote } from '../evidence/read.ts';
import { idsOf, type Rule, textsOf } from '../rule.ts';

const knownTypes = [statementTypes.v01, statementTypes.v1];
const provenanceTypes = ['https://slsa.dev/provenance/v0.2', 'https://slsa.dev/provenance/v1'];

/** What may be said about an image at all, and in which words. */
export const attestationRules: readonly Rule[] = [
  {
    code: 'attestation_type.known_attestation_type',
    title: 'Known attestation type found',
    description: 'Every attestation is a statement of a version that is known.',
    solution: 'Write statements of in-toto version 1 (or 0.1).',
    collections: [],
    kind: 'forbids',
    examine: subject => {
      const known = textsOf(subject, 'known_attestation_types', knownTypes);
      return {
        examined: subject.attestations.length,
        evidence: idsOf(subject.attestations),
        objections: subject.attestations
          .filter(({ statement }) => !known.includes(statement._type))
          .map(({ id, statement }) => ({
            message: `Unknown attestation type '${statement._type.slice(0, 200)}'`,
            wanted: known.join(', '),
            got: statement._type.slice(0, 200),
            evidence: [id],
          })),
      };
    },
  },
  {
    code: 'attestation_type.pipelinerun_attestation_found',
    title: 'PipelineRun attestation found',
    description: 'At least one attestation was made by Tekton Chains for a PipelineRun.',
    solution: 'Exclude this rule where images are not built by Tekton.',
    collections: [],
    kind: 'requires',
    niche: true,
    examine: ({ attestations }) => {
      const runs = attestations.filter(({ statement }) => isPipelineRun(statement.predicate));
      return { examined: runs.length, evidence: idsOf(runs), objections: [] };
    },
  },
  {
    code: 'attestation_type.deprecated_policy_attestation_format',
    title: 'Deprecated policy attestation format',
    description: 'Attestations are whole statements.',
    solution: 'Use a signer that writes in-toto statements.',
    collections: [],
    kind: 'forbids',
    // An item without a statement was never accepted as an attestation, so there is nothing to object to.
    examine: ({ attestations }) => ({
      examined: attestations.length,
      evidence: idsOf(attestations),
      objections: [],
    }),
  },
  {
    code: 'slsa_provenance_available.attestation_predicate_type_accepted',
    title: 'Expected attestation predicate type found',
    description: 'There is provenance, and it is of a version that is accepted.',
    solution: 'Attest SLSA provenance: cg provenance > provenance.json, then cg attest.',
    collections: [],
    kind: 'requires',
    cause: 'no-provenance',
    examine: subject => {
      const allowed = textsOf(subject, 'allowed_predicate_types', provenanceTypes);
      const found = provenanceOf(subject.attestations);
      return {
        examined: found.length,
        evidence: idsOf(found),
        objections: found
          .filter(({ statement }) => !allowed.includes(statement.predicateType))
          .map(({ id, statement: { predicateType } }) => ({
            message: `Attestation predicate type ${quote(predicateType)} is not an expected type (${allowed.join(', ')})`,
            wanted: allowed.join(', '),
            got: predicateType.slice(0, 200),
            evidence: [id],
          })),
      };
    },
  },
];

function isPipelineRun(predicate: unknown): boolean {
  const buildType = predicate as
    | { buildType?: unknown; buildDefinition?: { buildType?: unknown } }
    | null
    | undefined;
  const type = buildType?.buildType ?? buildType?.buildDefinition?.buildType;
  return typeof type === 'string' && /tekton\.dev.*(?:PipelineRun|slsa)/.test(type);
}

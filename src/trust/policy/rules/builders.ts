import type { Attestation } from '../evidence/accept.ts';
import { builderOf, provenanceOf } from '../evidence/provenance.ts';
import { quote, shorten } from '../evidence/read.ts';
import { idsOf, type Objection, type Rule, type Subject, textsOf } from '../rule.ts';

/** Who built. Every provenance counts: a good one beside it never excuses a bad one. */
export const builderRules: readonly Rule[] = [
  {
    code: 'slsa_build_build_service.slsa_builder_id_found',
    title: 'SLSA Builder ID found',
    description: 'All provenance names its builder.',
    solution: 'Let the build service write the provenance, or cg provenance in its job.',
    collections: [],
    kind: 'requires',
    cause: 'foreign-builder',
    vain: 'no-provenance',
    examine: subject =>
      eachProvenance(subject, one =>
        builderOf(one) === undefined ? { message: 'Builder ID not set in attestation' } : undefined,
      ),
  },
  {
    code: 'slsa_build_build_service.slsa_builder_id_accepted',
    title: 'SLSA Builder ID is known and accepted',
    description: 'All provenance names a builder of allowed_builder_ids.',
    solution: 'Build with an accepted build service.',
    collections: [],
    kind: 'requires',
    cause: 'foreign-builder',
    vain: 'no-provenance',
    examine: subject => {
      const allowed = textsOf(subject, 'allowed_builder_ids', ['https://tekton.dev/chains/v2']);
      return eachProvenance(subject, one => {
        const builder = builderOf(one);
        if (builder === undefined || allowed.includes(builder)) return undefined;
        return {
          message: `Builder ID ${quote(builder)} is unexpected`,
          wanted: allowed.join(', '),
          got: shorten(builder),
        };
      });
    },
  },
  {
    code: 'provenance.builder_trusted',
    title: 'The builder is trusted',
    description:
      'All provenance names a builder that the policy trusts, and the certificate of its signer names the same.',
    solution: 'Build and attest in the pipeline that the policy names.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'foreign-builder',
    vain: 'no-provenance',
    examine: subject => {
      const trusted = trustedBuilders(subject);
      return eachProvenance(subject, one => objectToBuilder(one, trusted));
    },
  },
];

export function trustedBuilders(subject: Pick<Subject, 'policy' | 'ruleData'>): readonly string[] {
  const named = subject.policy.requirements.flatMap(({ builders }) => builders);
  return named.length > 0 ? named : textsOf(subject, 'allowed_builder_ids', []);
}

/** A job can write what it likes into provenance; it cannot choose what its certificate says of it. */
function objectToBuilder(one: Attestation, trusted: readonly string[]): Objection | undefined {
  const builder = builderOf(one);
  if (builder === undefined)
    return { message: 'The provenance names no builder', wanted: trusted.join(' or ') };
  if (!trusted.includes(builder)) {
    const wanted = trusted.join(' or ') || 'a builder; the policy trusts none';
    return {
      message: `The builder ${quote(builder)} is not trusted`,
      term: builder,
      wanted,
      got: shorten(builder),
    };
  }
  if (one.signer?.kind !== 'certificate') return undefined;
  const certified = one.signer.claims['buildSignerUri'];
  if (certified === builder) return undefined;
  const got = certified === undefined ? 'a certificate that names no builder' : shorten(certified);
  return {
    message: `The provenance names the builder ${quote(builder)}, and the certificate of its signer does not`,
    term: builder,
    wanted: builder,
    got,
  };
}

function eachProvenance(subject: Subject, object: (one: Attestation) => Objection | undefined) {
  const found = provenanceOf(subject.attestations);
  return {
    examined: found.length,
    evidence: idsOf(found),
    objections: found.flatMap(one => {
      const objection = object(one);
      return objection === undefined ? [] : [{ ...objection, evidence: [one.id] }];
    }),
  };
}

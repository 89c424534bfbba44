import { isLocalTrust } from '../../../model/evidence.ts';
import { describePattern, describeSigner } from '../../../model/identity.ts';
import { parseImageReference } from '../../../model/image-reference.ts';
import { matchesPredicateType } from '../../../model/statement.ts';
import { acceptedAttestations, acceptedSignatures } from '../evidence/accept.ts';
import { type Dependency, dependenciesOf, provenanceOf } from '../evidence/provenance.ts';
import { quote, shorten } from '../evidence/read.ts';
import type { Requirement } from '../policy.ts';
import { type Examination, idsOf, type Objection, type Rule, type Subject } from '../rule.ts';

/** Always asked, whatever the lists say: nothing that a local Sigstore vouched for reaches production. */
export const localTrustRule: Rule = {
  code: 'evidence.local_trust',
  title: 'No evidence of a local Sigstore',
  description:
    'Nothing that counts was vouched for by a local Sigstore, unless that was allowed for a trial.',
  solution: 'Sign with a Sigstore that is meant for production.',
  collections: ['cascadeguard'],
  kind: 'forbids',
  cause: 'local-trust',
  examine: ({ component: { items }, policy }) => {
    const proven = items.filter(({ trust }) => trust !== undefined);
    const local = proven.filter(({ trust }) => isLocalTrust(trust));
    const hasOther = proven.length > local.length;
    const objections =
      policy.trust.allowLocal || hasOther
        ? []
        : local.map(({ id, trust = '' }) => ({
            message: `Evidence was made by a local Sigstore (${shorten(trust, 100)})`,
            wanted: ['public-good', ...policy.trust.roots].join(', '),
            got: trust,
            evidence: [id],
          }));
    return { examined: proven.length, evidence: idsOf(proven), objections };
  },
};

/** How images are named, what they stand on, and whose evidence counts. */
export const imageRules: readonly Rule[] = [
  {
    code: 'image.digest_pinned',
    title: 'The image is named by its digest',
    description: 'Whoever asks names the digest; a tag can move between the verdict and the roll-out.',
    solution: 'Name the image with the digest that the verdict shows.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'tag-instead-of-digest',
    examine: ({ component: { reference, digest, repository } }) => {
      const parsed = parseImageReference(reference);
      const isPinned = 'value' in parsed ? parsed.value.digest !== undefined : reference.includes('@sha256:');
      const wanted = `${repository}@${digest ?? 'sha256:…'}`;
      return {
        examined: 1,
        objections: isPinned
          ? []
          : [
              {
                message: `The image is named by a tag: ${shorten(reference, 300)}`,
                wanted,
                got: shorten(reference, 300),
              },
            ],
      };
    },
  },
  {
    code: 'base.digest_pinned',
    title: 'Base images are pinned',
    description: 'Every base image in the provenance, and the one that the annotations name, has a digest.',
    solution: 'Build with a tool that records the digests of base images.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'base-without-digest',
    examine: examineBases,
  },
  localTrustRule,
  {
    code: 'evidence.required_types',
    title: 'All required evidence is there',
    description:
      'There is evidence of each type that promotion.yaml requires, by as many of its signers as it says.',
    solution: 'Sign or attest what is missing.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'evidence-missing',
    examine: subject => {
      const { requirements } = subject.policy;
      return {
        examined: requirements.length,
        objections: requirements.flatMap(one => objectToMissing(one, subject)),
      };
    },
  },
];

function examineBases(subject: Subject): Examination {
  const bases = provenanceOf(subject.attestations)
    .flatMap(dependenciesOf)
    .filter(({ uri }) => /^pkg:(?:docker|oci)\//.test(uri));
  const { base } = subject.component;
  const objections: Objection[] = bases
    .filter(one => !hasDigest(one))
    .map(({ uri, evidence }) => unpinned(uri, [evidence]));
  if (base?.name !== undefined && !/^sha256:[0-9a-f]{64}$/.test(base.digest ?? ''))
    objections.push(unpinned(base.name, []));
  return {
    examined: bases.length + (base?.name === undefined && base?.digest === undefined ? 0 : 1),
    evidence: bases.map(({ evidence }) => evidence),
    objections,
  };
}

function unpinned(name: string, evidence: readonly string[]): Objection {
  return {
    message: `The base image ${quote(name)} has no digest`,
    term: shorten(name),
    wanted: 'a sha256 digest',
    got: 'none',
    evidence,
  };
}

function hasDigest({ digest }: Dependency): boolean {
  return /^[0-9a-f]{64}$/.test(digest['sha256'] ?? '');
}

function objectToMissing(
  { type, by, quorum }: Requirement,
  { component: { items }, policy }: Subject,
): Objection[] {
  const found =
    type === 'image-signature'
      ? acceptedSignatures(items, policy, by)
      : acceptedAttestations(items, policy, by).filter(({ statement }) =>
          matchesPredicateType(statement.predicateType, type),
        );
  const signers = new Set(found.map(({ signer }) => (signer === undefined ? '' : describeSigner(signer))));
  if (signers.size >= quorum) return [];
  const what = type === 'image-signature' ? 'signature' : `attestation of type ${type}`;
  const count = quorum === 1 ? 'There is no' : `There are ${signers.size} of ${quorum} signers of the`;
  return [
    {
      message: `${count} ${what} by a required identity`,
      term: type,
      wanted: by.map(describePattern).join(' or '),
      got: [...signers].join(', ') || 'none',
      evidence: idsOf(found),
    },
  ];
}

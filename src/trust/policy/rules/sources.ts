import type { Cause } from '../../../model/cause.ts';
import type { GitSource } from '../../../model/verdict.ts';
import type { Attestation } from '../evidence/accept.ts';
import { isSource, placeOf, referenceOf, spellRepository } from '../evidence/git-source.ts';
import { type Dependency, dependenciesOf, provenanceOf } from '../evidence/provenance.ts';
import { quote, shorten } from '../evidence/read.ts';
import { type Examination, idsOf, type Objection, type Rule, type Subject, textsOf } from '../rule.ts';

const systems = ['git', 'hg', 'bzr', 'svn'];
const digestNames = [
  'sha256',
  'sha224',
  'sha384',
  'sha512',
  'sha1',
  'md5',
  'gitCommit',
  'gitTree',
  'gitBlob',
  'gitTag',
];
const known = 'attestation_type.known_attestation_type';

/** From which commit of which repository an image was built, and whether that is the one that was expected. */
export const sourceRules: readonly Rule[] = [
  {
    code: 'slsa_source_correlated.source_code_reference_provided',
    title: 'Source code reference provided',
    description: 'The components file says from which repository and commit the image should be.',
    solution: 'Give source.git.url and source.git.revision in the components file.',
    collections: ['minimal', 'slsa3', 'redhat', 'redhat_security'],
    kind: 'requires',
    cause: 'no-expected-source',
    examine: ({ component: { source } }) => ({
      examined: 1,
      objections:
        source === undefined
          ? [
              {
                message: 'Expected source code reference was not provided for verification',
                wanted: 'source.git.url and source.git.revision',
              },
            ]
          : [],
    }),
  },
  {
    code: 'slsa_source_correlated.attested_source_code_reference',
    title: 'Source reference',
    description: 'The provenance names the sources that went into the image.',
    solution: 'Let the provenance name repository and commit among its resolved dependencies.',
    collections: ['minimal', 'slsa3', 'redhat', 'redhat_security'],
    kind: 'requires',
    cause: 'no-provenance',
    dependsOn: [known],
    examine: subject => {
      const found = provenanceOf(subject.attestations);
      const has = attestedSources(subject).some(one => referenceOf(one, namesOf(subject)).length > 0);
      return {
        examined: found.length,
        evidence: idsOf(found),
        objections:
          has || found.length === 0
            ? []
            : [
                {
                  message: 'The attested material contains no source code reference',
                  evidence: idsOf(found),
                },
              ],
      };
    },
  },
  {
    code: 'slsa_source_correlated.expected_source_code_reference',
    title: 'Expected source code reference',
    description: 'The image was built from the repository and commit that the components file names.',
    solution: 'Build the image from that commit, or correct the commit in the components file.',
    collections: ['minimal', 'slsa3', 'redhat', 'redhat_security'],
    kind: 'requires',
    cause: 'wrong-commit',
    vain: 'no-provenance',
    dependsOn: [
      known,
      'slsa_source_correlated.source_code_reference_provided',
      'slsa_source_correlated.attested_source_code_reference',
    ],
    examine: examineExpected,
  },
  {
    code: 'source.only_expected',
    title: 'No other sources',
    description: 'Every source that went into the image is the expected one.',
    solution: 'Build from one repository, or attest the others as something else than sources.',
    collections: ['cascadeguard'],
    kind: 'forbids',
    cause: 'foreign-source',
    examine: subject => {
      const sources = attestedSources(subject);
      const { source } = subject.component;
      return {
        examined: sources.length,
        evidence: unique(sources.map(({ evidence }) => evidence)),
        objections: sources
          .filter(one => source === undefined || !isExpected(one, source))
          .map(one => ({
            message: `The source ${quote(describeDependency(one))} is not the expected one`,
            term: shorten(describeDependency(one)),
            wanted: source === undefined ? 'a source in the components file' : describeSource(source),
            got: shorten(describeDependency(one)),
            evidence: [one.evidence],
          })),
      };
    },
  },
  {
    code: 'source.certificate_correlated',
    title: 'The signing job ran on the expected commit',
    description:
      'The certificate of whoever attested the provenance names the expected repository and commit. The job cannot forge that.',
    solution: 'Attest in the job that builds the expected commit.',
    collections: ['cascadeguard'],
    kind: 'requires',
    cause: 'wrong-commit',
    vain: 'no-provenance',
    examine: subject => {
      const found = provenanceOf(subject.attestations);
      return {
        examined: found.length,
        evidence: idsOf(found),
        objections: found.flatMap(one => objectToCertificate(one, subject)),
      };
    },
  },
];

function examineExpected(subject: Subject): Examination {
  const { source } = subject.component;
  const sources = attestedSources(subject).filter(one => referenceOf(one, namesOf(subject)).length > 0);
  const base = { examined: sources.length, evidence: unique(sources.map(({ evidence }) => evidence)) };
  if (source === undefined || sources.some(one => isExpected(one, source)))
    return { ...base, objections: [] };
  const wanted = `git+${source.url}@${source.revision}`;
  const objections = sources.flatMap(one =>
    referenceOf(one, namesOf(subject)).map(reference => ({
      message: `The expected source code reference ${quote(wanted)} is not attested`,
      cause: causeOfPlace(placeOf(one).repository, source),
      term: reference,
      wanted: describeSource(source),
      got: describeDependency(one),
      evidence: [one.evidence],
    })),
  );
  return { ...base, objections: onePerTerm(objections) };
}

export function attestedSources(subject: Pick<Subject, 'attestations' | 'ruleData'> & Subject): Dependency[] {
  const supported = textsOf(subject, 'supported_vcs', systems);
  return provenanceOf(subject.attestations)
    .flatMap(dependenciesOf)
    .filter(one => isSource(one, supported));
}

export function isExpected(one: Dependency, source: GitSource): boolean {
  const { repository, commit } = placeOf(one);
  return repository === spellRepository(source.url) && commit !== undefined && commit === source.revision;
}

export function describeSource({ url, revision }: GitSource): string {
  return `${url} at ${revision}`;
}

function describeDependency(one: Dependency): string {
  const { repository, commit } = placeOf(one);
  return `${repository} at ${commit ?? 'no commit'}`;
}

function objectToCertificate(one: Attestation, { component: { source } }: Subject): Objection[] {
  const about = { evidence: [one.id] };
  if (source === undefined)
    return [
      {
        message: 'No source is expected, so the certificate has nothing to agree with',
        cause: 'no-expected-source',
        ...about,
      },
    ];
  if (one.signer?.kind !== 'certificate') {
    return [
      {
        message: 'The provenance is signed with a key, which says nothing about the source',
        cause: 'wrong-repository',
        wanted: describeSource(source),
        got: 'a key',
        ...about,
      },
    ];
  }
  const repository = one.signer.claims['sourceRepositoryUri'];
  const commit = one.signer.claims['sourceRepositoryDigest'];
  const agrees =
    repository !== undefined &&
    spellRepository(repository) === spellRepository(source.url) &&
    commit === source.revision;
  if (agrees) return [];
  const got = `${repository ?? 'no repository'} at ${commit ?? 'no commit'}`;
  return [
    {
      message: 'The certificate of the signer names another repository or commit',
      cause: causeOfPlace(repository, source),
      wanted: describeSource(source),
      got: shorten(got),
      ...about,
    },
  ];
}

function causeOfPlace(repository: string | undefined, source: GitSource): Cause {
  const isSame = repository !== undefined && spellRepository(repository) === spellRepository(source.url);
  return isSame ? 'wrong-commit' : 'wrong-repository';
}

function namesOf(subject: Subject): readonly string[] {
  return textsOf(subject, 'supported_digests', digestNames);
}

function onePerTerm(objections: readonly (Objection & { term: string })[]): Objection[] {
  return [...new Map(objections.map(one => [one.term, one])).values()];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

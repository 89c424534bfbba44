import { hexOf } from '../../../model/digest.ts';
import { matchesPredicateType, predicateTypes } from '../../../model/statement.ts';
import type { Attestation } from '../evidence/accept.ts';
import { at, isObject, listAt, quote, shorten, textAt } from '../evidence/read.ts';
import { type Examination, idsOf, type Objection, type Rule, type Subject } from '../rule.ts';

const cycloneVersions = ['1.4', '1.5', '1.6'];

/** Bills of materials that somebody signed; one that merely lies beside the image proves nothing. */
export const sbomRules: readonly Rule[] = [
  {
    code: 'sbom.found',
    title: 'SBOM found',
    description: 'There is a signed SBOM, SPDX or CycloneDX.',
    solution:
      'cg sbom IMAGE --output spdx-json > sbom.json, then cg attest IMAGE --predicate spdxjson=sbom.json',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'no-sbom',
    examine: examineFound,
  },
  {
    code: 'sbom_spdx.valid',
    title: 'SPDX SBOM is valid',
    description: 'Every SPDX SBOM has what the format demands.',
    solution: 'Make the SBOM anew.',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'bad-sbom',
    vain: 'no-sbom',
    examine: subject =>
      each(spdxOf(subject), (one, index) =>
        problemsOfSpdx(one.statement.predicate).map(problem => ({
          message: `SPDX SBOM at index ${index} is not valid: ${problem}`,
        })),
      ),
  },
  {
    code: 'sbom_spdx.contains_packages',
    title: 'SPDX SBOM contains packages',
    description: 'Every SPDX SBOM lists packages.',
    solution: 'Make the SBOM of the image, not of an empty folder.',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'bad-sbom',
    vain: 'no-sbom',
    dependsOn: ['sbom_spdx.valid'],
    examine: subject =>
      each(spdxOf(subject), one =>
        listAt(one.statement.predicate, 'packages').length > 0
          ? []
          : [{ message: 'The list of packages is empty' }],
      ),
  },
  {
    code: 'sbom_spdx.matches_image',
    title: 'SPDX SBOM matches the image',
    description: 'Every SPDX SBOM describes this very image.',
    solution: 'Make the SBOM of this digest.',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'bad-sbom',
    vain: 'no-sbom',
    dependsOn: ['sbom_spdx.valid'],
    examine: subject => each(spdxOf(subject), one => objectToDigest(one, subject)),
  },
  {
    code: 'sbom_cyclonedx.cdx_supported_version',
    title: 'CycloneDX version is supported',
    description: 'Every CycloneDX SBOM is of a version that is read.',
    solution: `Write CycloneDX ${cycloneVersions.join(', ')}.`,
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'bad-sbom',
    vain: 'no-sbom',
    examine: subject =>
      each(cycloneOf(subject), ({ statement }, index) => {
        const version = textAt(statement.predicate, 'specVersion');
        if (version !== undefined && cycloneVersions.includes(version)) return [];
        const got = shorten(version ?? 'none', 40);
        return [
          {
            message: `CycloneDX SBOM at index ${index} has unsupported or missing version: ${got}`,
            wanted: cycloneVersions.join(', '),
            got,
          },
        ];
      }),
  },
  ...cycloneVersions.map(validCyclone),
];

function validCyclone(version: string): Rule {
  const isThis = ({ statement }: Attestation) => textAt(statement.predicate, 'specVersion') === version;
  return {
    code: `sbom_cyclonedx.valid_cdx_${version.replace('.', '_')}`,
    title: `CycloneDX ${version} SBOM is valid`,
    description: `Every CycloneDX ${version} SBOM has what the format demands.`,
    solution: 'Make the SBOM anew.',
    collections: ['minimal', 'redhat'],
    kind: 'requires',
    cause: 'bad-sbom',
    vain: 'no-sbom',
    niche: true,
    examine: subject =>
      each(cycloneOf(subject).filter(isThis), (one, index) =>
        problemsOfCyclone(one.statement.predicate).map(problem => ({
          message: `CycloneDX SBOM at index ${index} is not valid: ${problem}`,
        })),
      ),
  };
}

export function spdxOf({ attestations }: Subject): Attestation[] {
  return attestations.filter(({ statement }) =>
    matchesPredicateType(statement.predicateType, predicateTypes.spdx),
  );
}

export function cycloneOf({ attestations }: Subject): Attestation[] {
  return attestations.filter(({ statement }) =>
    matchesPredicateType(statement.predicateType, predicateTypes.cyclonedx),
  );
}

function examineFound(subject: Subject): Examination {
  const found = [...spdxOf(subject), ...cycloneOf(subject)];
  if (found.length > 0) return { examined: found.length, evidence: idsOf(found), objections: [] };
  const unsigned = subject.component.items.filter(({ kind }) => kind === 'sbom');
  const got =
    unsigned.length === 0
      ? 'none'
      : `only unsigned ones: ${unsigned
          .map(({ id }) => id)
          .join(', ')
          .slice(0, 300)}`;
  return {
    examined: 1,
    objections: [
      {
        message: 'No SBOM attestations found',
        wanted: 'an SPDX or CycloneDX attestation by an accepted signer',
        got,
        evidence: idsOf(unsigned),
      },
    ],
  };
}

type Objecting = (one: Attestation, index: number) => readonly Objection[];

function each(found: readonly Attestation[], object: Objecting): Examination {
  return {
    examined: found.length,
    evidence: idsOf(found),
    objections: found.flatMap((one, index) =>
      object(one, index).map(objection => ({ ...objection, evidence: [one.id] })),
    ),
  };
}

function problemsOfSpdx(sbom: unknown): string[] {
  if (!isObject(sbom)) return ['(Root): Invalid type. Expected: object'];
  const problems: string[] = [];
  if (!/^SPDX-2\.[23]$/.test(textAt(sbom, 'spdxVersion') ?? ''))
    problems.push('spdxVersion is not SPDX-2.2 or SPDX-2.3');
  if (textAt(sbom, 'SPDXID') !== 'SPDXRef-DOCUMENT') problems.push('SPDXID is not SPDXRef-DOCUMENT');
  for (const name of ['name', 'dataLicense', 'documentNamespace']) {
    if ((textAt(sbom, name) ?? '') === '') problems.push(`${name} is required`);
  }
  if (!isObject(at(sbom, 'creationInfo'))) problems.push('creationInfo is required');
  if (!Array.isArray(at(sbom, 'packages'))) return [...problems, 'packages is no list'];
  const nameless = listAt(sbom, 'packages').findIndex(one => !textAt(one, 'name') || !textAt(one, 'SPDXID'));
  if (nameless !== -1) problems.push(`packages.${nameless} has no name or SPDXID`);
  return problems;
}

function problemsOfCyclone(sbom: unknown): string[] {
  const problems: string[] = [];
  if (textAt(sbom, 'bomFormat') !== 'CycloneDX') problems.push('bomFormat is not CycloneDX');
  const components = at(sbom, 'components');
  if (components !== undefined && !Array.isArray(components)) return [...problems, 'components is no list'];
  const nameless = listAt(sbom, 'components').findIndex(one => !textAt(one, 'name') || !textAt(one, 'type'));
  if (nameless !== -1) problems.push(`components.${nameless} has no name or type`);
  return problems;
}

function objectToDigest(
  { statement: { predicate } }: Attestation,
  { component: { digest } }: Subject,
): Objection[] {
  const named = describedDigests(predicate);
  const wanted = digest === undefined ? '' : hexOf(digest);
  if (wanted !== '' && named.includes(wanted)) return [];
  const got = named[0] === undefined ? '' : `sha256:${named[0]}`;
  return [
    {
      message: `Image digest in the SBOM, ${quote(got)}, is not as expected, ${quote(digest ?? '')}`,
      wanted: digest ?? '',
      got: got || 'none',
    },
  ];
}

/** Digests of the packages that the document says it describes, from wherever tools write them. */
function describedDigests(sbom: unknown): string[] {
  const described = new Set<unknown>(listAt(sbom, 'documentDescribes'));
  for (const one of listAt(sbom, 'relationships')) {
    if (textAt(one, 'relationshipType') === 'DESCRIBES') described.add(at(one, 'relatedSpdxElement'));
  }
  return listAt(sbom, 'packages')
    .filter(one => described.has(at(one, 'SPDXID')))
    .flatMap(one => [
      ...listAt(one, 'checksums')
        .filter(sum => textAt(sum, 'algorithm') === 'SHA256')
        .map(sum => textAt(sum, 'checksumValue') ?? ''),
      ...[
        textAt(one, 'versionInfo') ?? '',
        ...listAt(one, 'externalRefs').map(reference => textAt(reference, 'referenceLocator') ?? ''),
      ].map(text => /sha256(?::|%3A)([0-9a-f]{64})/i.exec(text)?.[1] ?? ''),
    ])
    .filter(hex => hex !== '');
}

/** What an attestation says: this predicate holds for these subjects (in-toto Statement). */
export interface Statement {
  readonly _type: string;
  readonly subject: readonly StatementSubject[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

export interface StatementSubject {
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
}

export const statementTypes = {
  v1: 'https://in-toto.io/Statement/v1',
  /** Inside `.att` layers, for readers that know nothing newer. */
  v01: 'https://in-toto.io/Statement/v0.1',
} as const;

/** Predicate types by the short names that people type. */
export const predicateTypes = {
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  vulns: 'https://in-toto.io/attestation/vulns/v0.2',
  openvex: 'https://openvex.dev/ns',
  'test-result': 'https://in-toto.io/attestation/test-result/v0.1',
  vsa: 'https://slsa.dev/verification_summary/v1',
  svr: 'https://in-toto.io/attestation/svr/v0.2',
  link: 'https://in-toto.io/Link/v1',
  custom: 'https://cosign.sigstore.dev/attestation/v1',
} as const;

/** The bundle form of an image signature. It is a signature, never an attestation. */
export const imageSignatureType = 'https://sigstore.dev/cosign/sign/v1';

/** These families write their version behind the name, so that a prefix up to a slash matches. */
const families: readonly string[] = [predicateTypes.spdx, predicateTypes.cyclonedx, predicateTypes.openvex];

export function resolvePredicateType(name: string): string {
  return Object.hasOwn(predicateTypes, name) ? predicateTypes[name as keyof typeof predicateTypes] : name;
}

export function matchesPredicateType(actual: string, wanted: string): boolean {
  return actual === wanted || (families.includes(wanted) && actual.startsWith(`${wanted}/`));
}

import type { IdentityPattern } from '../../model/identity.ts';

/** What a cluster shall ask of images, whatever product asks it. */
export interface AdmissionDemand {
  /** Name of the policy in the cluster. */
  readonly name: string;
  /** Repositories without a tag; other images are not looked at by the signature rules. */
  readonly repositories: readonly string[];
  /** Who signs images. */
  readonly identities: readonly IdentityPattern[];
  readonly attestations: readonly DemandedAttestation[];
}

export interface DemandedAttestation {
  /** A word for it inside of the policy: slsa, sbom, vuln. */
  readonly name: string;
  readonly type: string;
  /** Who may say it; others may be right than those who sign. */
  readonly identities: readonly IdentityPattern[];
  /** Hours that the scan may be old. */
  readonly maxAgeHours?: number;
}

/** Identities that are believed together, and the attestations that they make; those who sign come first. */
export interface Believed {
  /** Of the first attestation that they alone make; undefined for those who sign. */
  readonly name: string | undefined;
  readonly identities: readonly IdentityPattern[];
  readonly attestations: readonly DemandedAttestation[];
}

export function groupByIdentities({ identities, attestations }: AdmissionDemand): readonly Believed[] {
  const groups = new Map<string, Believed>([
    [JSON.stringify(identities), { name: undefined, identities, attestations: [] }],
  ]);
  for (const one of attestations) {
    const key = JSON.stringify(one.identities);
    const group = groups.get(key) ?? { name: one.name, identities: one.identities, attestations: [] };
    groups.set(key, { ...group, attestations: [...group.attestations, one] });
  }
  return [...groups.values()];
}

/** Exact where it can be; a pattern is anchored, because the products match it anywhere in the text. */
export function cosignIdentity(identity: IdentityPattern): Record<string, string> {
  const { issuer, issuerRegExp, subject, subjectRegExp } = identity;
  return {
    ...(issuer !== undefined && { issuer }),
    ...(issuer === undefined && issuerRegExp !== undefined && { issuerRegExp: anchor(issuerRegExp) }),
    ...(subject !== undefined && { subject }),
    ...(subject === undefined && subjectRegExp !== undefined && { subjectRegExp: anchor(subjectRegExp) }),
  };
}

function anchor(pattern: string): string {
  return `^(?:${pattern})$`;
}

/** Ends at the boundary of the repository: `shop/web*` would also be `shop/web-evil`. */
export function repositoryGlobs(repository: string): readonly string[] {
  return [`${repository}@*`, `${repository}:*`];
}

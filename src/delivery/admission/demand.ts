import type { IdentityPattern } from '../../model/identity.ts';

/** What a cluster shall ask of images, whatever product asks it. */
export interface AdmissionDemand {
  /** Name of the policy in the cluster. */
  readonly name: string;
  /** Repositories without a tag; other images are not looked at by the signature rules. */
  readonly repositories: readonly string[];
  readonly identities: readonly IdentityPattern[];
  readonly attestations: readonly DemandedAttestation[];
}

export interface DemandedAttestation {
  /** A word for it inside of the policy: slsa, sbom, vuln. */
  readonly name: string;
  readonly type: string;
  /** Hours that the scan may be old. */
  readonly maxAgeHours?: number;
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

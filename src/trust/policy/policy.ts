import type { IdentityPattern } from '../../model/identity.ts';
import type { Severity as AnySeverity } from '../../model/severity.ts';

/** What is asked of images: policy.yaml and promotion.yaml together, in a form that can be stored and replayed. */
export interface Policy {
  readonly name?: string;
  /** Who signs images and states things about them, unless a requirement names others. */
  readonly identities: readonly IdentityPattern[];
  /** PEM text, path or variable of the key that counts, when there is one; only shown. */
  readonly publicKey?: string;
  readonly sources: readonly PolicySource[];
  readonly requirements: readonly Requirement[];
  readonly trust: PolicyTrust;
  /** Built-in checks that were switched off on the command line. */
  readonly skip?: { readonly signature?: boolean; readonly attestation?: boolean };
}

export interface PolicyTrust {
  /** Names of the roots that count beside the public one; local ones never stand here. */
  readonly roots: readonly string[];
  /** When it is there, only these roots count. */
  readonly only?: readonly string[];
  readonly allowLocal: boolean;
}

/** A group of rules that are evaluated together. */
export interface PolicySource {
  readonly name?: string;
  /** Where its rules come from, as the file names it. */
  readonly policy: readonly string[];
  readonly data: readonly string[];
  readonly ruleData: Readonly<Record<string, unknown>>;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly volatileInclude: readonly Criterion[];
  readonly volatileExclude: readonly Criterion[];
}

/** An entry of an include or exclude list that holds for some images and for some time only. */
export interface Criterion {
  readonly value: string;
  readonly effectiveOn?: string;
  readonly effectiveUntil?: string;
  readonly imageDigest?: string;
  /** Repository without a tag. */
  readonly imageUrl?: string;
  readonly componentNames?: readonly string[];
  readonly reference?: string;
}

/** Evidence of one type that must be there, and what must be true of it. */
export interface Requirement {
  /** `image-signature`, or the URI of a predicate type. */
  readonly type: string;
  readonly by: readonly IdentityPattern[];
  /** By how many different signers. */
  readonly quorum: number;
  readonly builders: readonly string[];
  /** Of scans only. */
  readonly scan?: ScanDemand;
}

export interface ScanDemand {
  readonly scanners: readonly string[];
  /** Milliseconds. */
  readonly maxAge: number;
  /** How old a scanner's data may be when it scans; 0 asks for nothing. */
  readonly maxDatabaseAge: number;
  readonly failOn: Severity;
  readonly fixableOnly: boolean;
}

/** What a policy can draw its line at. */
export type Severity = Exclude<AnySeverity, 'unknown'>;

const hour = 3_600_000;

export const defaultScanDemand: ScanDemand = {
  scanners: [],
  maxAge: 168 * hour,
  maxDatabaseAge: 120 * hour,
  failOn: 'high',
  fixableOnly: true,
};

export function scanDemand(policy: Policy): ScanDemand {
  return policy.requirements.find(({ scan }) => scan !== undefined)?.scan ?? defaultScanDemand;
}

/** The repositories whose rules we know by name; everything else would have to be run. */
export function isKnownRuleSource(url: string): boolean {
  return /^(?:git::)?(?:https:\/\/)?github\.com\/(?:conforma\/policy|enterprise-contract\/ec-policies)(?:\.git)?\/\/policy\//.test(
    url,
  );
}

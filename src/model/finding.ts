import type { Severity } from './severity.ts';

/** What became of one engine. Only `ok` says anything about the image; an exit code never does. */
export type EngineStatus =
  | 'ok'
  /** Not installed, and nobody asked for it by name. */
  | 'absent'
  | 'error'
  | 'timeout'
  | 'stale-db'
  | 'no-coverage'
  | 'bad-report'
  | 'untrusted-binary';

/** The advisory database that an engine looked things up in. */
export interface DatabaseIdentity {
  readonly lineage: string;
  readonly version: string;
  /** RFC 3339, UTC. */
  readonly builtAt: string;
  readonly digest?: string;
  readonly uri?: string;
}

export interface ScanEngineRun {
  readonly id: string;
  readonly version: string;
  readonly binaryDigest?: string;
  /** The built databases behind it: two engines with the same one are one opinion. */
  readonly lineage: readonly string[];
  readonly db?: DatabaseIdentity;
  readonly outcome: EngineStatus;
  /** The program was not verified, and was run because the user allowed it. */
  readonly unverified?: true;
  readonly detail?: string;
  readonly packages?: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly durationMs: number;
  /** Digest of the report as the engine wrote it. */
  readonly rawDigest?: string;
  readonly argv?: readonly string[];
}

export type FixStatus =
  | 'unknown'
  | 'not_affected'
  | 'affected'
  | 'fixed'
  | 'under_investigation'
  | 'will_not_fix'
  | 'fix_deferred'
  | 'end_of_life';

export interface CvssScore {
  readonly version: string;
  readonly vector: string;
  readonly score: number;
}

/** What one engine says of one vulnerability in one package. Claims are kept, never averaged. */
export interface Claim {
  readonly engine: string;
  /** As the engine named it. */
  readonly id: string;
  readonly severity: Severity;
  /** Who rated it: debian, ghsa, nvd. */
  readonly source?: string;
  readonly cvss: readonly CvssScore[];
  readonly status: FixStatus;
  readonly fixedIn: readonly string[];
  readonly matchType: 'exact' | 'indirect' | 'cpe' | 'symbol';
  readonly confidence: 'high' | 'low';
}

export interface FindingPackage {
  readonly purl: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly source?: { readonly name: string; readonly version: string };
  /** Key of the operating system's package that owns its files. */
  readonly ownedBy?: string;
  readonly locations: readonly string[];
  readonly layer?: { readonly diffId: string; readonly index: number; readonly inherited: boolean };
}

export interface Disagreement {
  /** `both` agree, `only:ENGINE`, `severity-differs`, `fix-differs`, `status-differs`. */
  readonly kind: string;
  readonly reason: string;
}

export interface Disposition {
  readonly kind: 'open' | 'accepted' | 'vex-not_affected' | 'false_positive' | 'suppressed';
  readonly by?: string;
  readonly until?: string;
  readonly statement?: string;
}

/** One vulnerability in one package of one image, however many engines named it and however they named it. */
export interface Finding {
  /** `cluster | type/name | version`. */
  readonly key: string;
  /** The CVE where there is one. */
  readonly id: string;
  readonly aliases: readonly string[];
  /** Advisories of distributors that bundle several vulnerabilities: RHSA, DSA, ALAS. */
  readonly advisories: readonly string[];
  readonly title?: string;
  readonly flags?: readonly string[];
  readonly pkg: FindingPackage;
  readonly claims: readonly Claim[];
  readonly effective: { readonly severity: Severity; readonly reason: string };
  readonly fix: { readonly available: boolean; readonly versions: readonly string[] };
  readonly epss?: { readonly score: number; readonly percentile: number; readonly date: string };
  readonly kev?: { readonly dateAdded: string; readonly dueDate?: string };
  readonly risk?: number;
  readonly disagreement?: Disagreement;
  readonly disposition: Disposition;
}

export type ScanStatus = 'allow' | 'deny' | 'indeterminate';

export interface ScanRule {
  readonly id: string;
  readonly result: 'pass' | 'fail' | 'indeterminate';
  /** Keys of the findings that decided it. */
  readonly findings: readonly string[];
  readonly reason?: string;
}

export interface ScanVerdict {
  readonly status: ScanStatus;
  /** Why it is indeterminate: something could not be reached, or cannot be trusted. */
  readonly cause?: 'remote' | 'trust';
  readonly policyDigest: string;
  readonly rules: readonly ScanRule[];
}

export interface ScanSubject {
  readonly name: string;
  readonly digest?: string;
  readonly indexDigest?: string;
  readonly platform?: string;
}

export interface ScanCoverage {
  readonly packages: number;
  readonly byEcosystem: Readonly<Record<string, number>>;
  /** Ecosystems of the image for which no engine that ran has any advisories. */
  readonly withoutFeed: readonly string[];
}

/** A waiver that did not apply as written, and why: expired, or nothing matches it. */
export interface WaiverNote {
  readonly id: string;
  readonly owner: string;
  readonly expires: string;
  readonly state: 'applied' | 'expired' | 'unused';
}

/** `scan-report/v1`: one image, every engine, one truth. Equal inputs give equal bytes. */
export interface ScanReport {
  readonly schema: 'scan-report/v1';
  readonly subject: ScanSubject;
  readonly inventory: {
    readonly digest: string;
    readonly cataloguers: readonly string[];
    readonly packages: number;
    readonly distribution?: string;
    readonly problems: readonly string[];
  };
  readonly engines: readonly ScanEngineRun[];
  /** `1 of 2 independent opinions`: what was heard against what was wanted. */
  readonly opinions: string;
  readonly coverage: ScanCoverage;
  readonly findings: readonly Finding[];
  readonly waivers: readonly WaiverNote[];
  readonly verdict: ScanVerdict;
}

/** The worst of several verdicts: what is proven bad stays bad, and what is unknown is never good. */
export function worstVerdict(verdicts: readonly ScanVerdict[]): Pick<ScanVerdict, 'status' | 'cause'> {
  if (verdicts.some(({ status }) => status === 'deny')) return { status: 'deny' };
  const open = verdicts.filter(({ status }) => status === 'indeterminate');
  if (open.length === 0 && verdicts.length > 0) return { status: 'allow' };
  return { status: 'indeterminate', cause: open.some(({ cause }) => cause === 'trust') ? 'trust' : 'remote' };
}

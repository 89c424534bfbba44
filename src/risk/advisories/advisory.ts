import type { CvssScore, FixStatus } from '../../model/finding.ts';
import type { Severity } from '../../model/severity.ts';

/** A stretch of versions. Without a lower end it begins at the first version, without an upper one it has no fix. */
export interface VersionRange {
  /** The first version in it. */
  readonly introduced?: string;
  /** The last version before it. */
  readonly after?: string;
  /** The first version behind it. */
  readonly fixed?: string;
  /** The last version in it. */
  readonly lastAffected?: string;
}

/** One vulnerability in one package of one feed, as some source of advisories states it. */
export interface Advisory {
  /** `debian:12`, `alpine:3.20`, `npm`: which packages it is about. See feeds.ts. */
  readonly feed: string;
  readonly package: string;
  /** Id of the vulnerability, which a Vulnerability describes. */
  readonly id: string;
  readonly status: FixStatus;
  /** What this feed says of the severity, where it says something of its own. */
  readonly severity?: Severity;
  /** Who states it: `osv`, `debian`, `ghsa`. */
  readonly source: string;
  readonly ranges: readonly VersionRange[];
  /** Stretches that are not affected although a range says so. */
  readonly unaffected?: readonly VersionRange[];
  readonly versions?: readonly string[];
  /** Distributor's advisories that bundle it: RHSA, DSA. */
  readonly bundles?: readonly string[];
  readonly arches?: readonly string[];
  /** rpm's module stream, `nodejs:12`. */
  readonly module?: string;
  /** Red Hat: it holds only where one of these products is enabled. */
  readonly products?: readonly number[];
}

export interface Vulnerability {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: Severity;
  readonly severitySource?: string;
  readonly details: VulnerabilityDetails;
}

/** What is read only for what was found. */
export interface VulnerabilityDetails {
  readonly title?: string;
  readonly cvss?: readonly CvssScore[];
  readonly published?: string;
  readonly kev?: string;
  readonly url?: string;
}

/** Where an index comes from; part of the index, so that a verdict can be made again. */
export interface IndexOrigin {
  /** The built databases behind it: `aqua-trivy-db`, `osv.dev`. */
  readonly lineage: readonly string[];
  /** RFC 3339: how far the data reach, never when somebody copied them. */
  readonly builtAt: string;
  readonly sources: readonly { readonly name: string; readonly digest: string; readonly records: number }[];
}

/** Takes what importers find. */
export interface AdvisorySink {
  advisory(advisory: Advisory): void;
  vulnerability(vulnerability: Vulnerability): void;
  /** Red Hat: which products a repository stands for. */
  products?(repository: string, indices: readonly number[]): void;
}

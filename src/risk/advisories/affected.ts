import { compareVersions, type VersionScheme } from '../versions/compare.ts';
import type { VersionRange } from './advisory.ts';

export interface VersionRule {
  readonly ranges: readonly VersionRange[];
  readonly unaffected: readonly VersionRange[];
  readonly versions: readonly string[];
}

/** The range that holds the version; `{}` when the version is named itself; undefined when it is not affected. */
export function findAffected(
  version: string,
  rule: VersionRule,
  scheme: VersionScheme,
): VersionRange | undefined {
  const range = rule.ranges.find(each => contains(each, version, scheme));
  const named = range === undefined && rule.versions.some(each => each === version);
  if (range === undefined && !named) return undefined;
  return rule.unaffected.some(each => contains(each, version, scheme)) ? undefined : (range ?? {});
}

export function contains(range: VersionRange, version: string, scheme: VersionScheme): boolean {
  const { introduced, after, fixed, lastAffected } = range;
  const compare = scheme === 'rpm' ? compareRpmEpochs : compareVersions;
  if (introduced !== undefined && compare(scheme, version, introduced) < 0) return false;
  if (after !== undefined && compare(scheme, version, after) <= 0) return false;
  if (fixed !== undefined && compare(scheme, version, fixed) >= 0) return false;
  return lastAffected === undefined || compare(scheme, version, lastAffected) <= 0;
}

/** An rpm version that names no epoch has the advisory's: inventories of other tools often leave it out. */
function compareRpmEpochs(scheme: VersionScheme, version: string, bound: string): number {
  const epoch = /^\d+:/.exec(bound)?.[0];
  return compareVersions(
    scheme,
    epoch === undefined || /^\d+:/.test(version) ? version : epoch + version,
    bound,
  );
}

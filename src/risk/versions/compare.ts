import { compareApk } from './apk.ts';
import { compareDeb } from './deb.ts';
import { compareGem } from './gem.ts';
import { compareGo } from './go.ts';
import { compareMaven } from './maven.ts';
import { comparePep440 } from './pep440.ts';
import { compareRpm } from './rpm.ts';
import { compareSemver } from './semver.ts';

const comparators = {
  apk: compareApk,
  deb: compareDeb,
  gem: compareGem,
  go: compareGo,
  maven: compareMaven,
  pep440: comparePep440,
  rpm: compareRpm,
  semver: compareSemver,
} as const;

export type VersionScheme = keyof typeof comparators;

export const versionSchemes = Object.keys(comparators) as readonly VersionScheme[];

/** Below zero when the first is older, above when it is newer; each scheme as the ecosystem's own tool means it. */
export function compareVersions(scheme: VersionScheme, a: string, b: string): number {
  return comparators[scheme](a, b);
}

import { compareSemver } from './semver.ts';

/** Go modules are SemVer with a `v`; a toolchain writes `go1.21rc1`, which means 1.21.0-rc.1. */
export function compareGo(a: string, b: string): number {
  return compareSemver(normalise(a), normalise(b));
}

function normalise(version: string): string {
  const toolchain = /^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?(?:(rc|beta)(\d+))?$/.exec(version.split(' ')[0] ?? '');
  if (toolchain === null) return version;
  const [, major, minor, patch = '0', word, number] = toolchain;
  return `${major}.${minor}.${patch}${word === undefined ? '' : `-${word}.${number}`}`;
}

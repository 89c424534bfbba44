import type { Cataloguer } from '../cataloguer.ts';
import { apk } from './apk.ts';
import { dpkg } from './dpkg.ts';
import { goBinary } from './go-binary.ts';
import { java } from './java.ts';
import { npm } from './npm.ts';
import { osRelease } from './os-release.ts';
import { python } from './python.ts';
import { rpm } from './rpm.ts';
import { ruby } from './ruby.ts';

export const allCataloguers: readonly Cataloguer[] = [
  apk,
  dpkg,
  goBinary,
  java,
  npm,
  osRelease,
  python,
  rpm,
  ruby,
];

/** Counts up whenever a cataloguer finds something else in the same bytes: older results in caches are not used. */
export const findingsVersion = 1;

import { checkCiIdentity } from './ci-identity.ts';
import type { Check, Finding, Machine } from './finding.ts';
import { checkPrograms } from './programs.ts';
import { checkProjectFiles } from './project-files.ts';
import { checkRegistries } from './registries.ts';
import { checkScannerData } from './scanner-data.ts';
import { checkThisMachine } from './this-machine.ts';

export type { Finding, Health, Machine } from './finding.ts';

const checks: readonly Check[] = [
  checkThisMachine,
  checkPrograms,
  checkScannerData,
  checkRegistries,
  checkCiIdentity,
  checkProjectFiles,
];

const areas = [
  'this machine',
  'this project',
  'registries',
  'continuous integration',
  'scanners',
  'builders',
  'other tools',
];

/** Looks at everything that cg may need here, changes nothing, and says how to mend what is broken. */
export async function examine(machine: Machine): Promise<readonly Finding[]> {
  const findings = (await Promise.all(checks.map(check => check(machine)))).flat();
  return findings.sort((a, b) => areas.indexOf(a.area) - areas.indexOf(b.area));
}

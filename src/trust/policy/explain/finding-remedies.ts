import type { RuleResult } from '../../../model/verdict.ts';
import { acceptedAttestations } from '../evidence/accept.ts';
import { latestScans, type ScanFinding } from '../evidence/scans.ts';
import { isInherited, wantedScanners } from '../rules/vulnerabilities.ts';
import type { Candidate, State } from './fix.ts';
import { attest, rebuild, type Trial } from './making.ts';
import { expectedMaker, simulateScan } from './synthetic.ts';

/** Another look, by the scanner that is missing or whose look was too long ago. */
export function rescan(result: RuleResult, trial: Trial): Candidate[] {
  if (expectedMaker(trial.state.policy) === undefined) return [];
  const wanted = wantedScanners({ policy: trial.state.policy });
  const scanner =
    result.term !== undefined && !result.term.includes(':') ? result.term : (wanted[0] ?? 'trivy');
  const make = (name: string) => ({
    title: `Scan the image with ${name}, and attest the report`,
    commands: [
      `cg scan ${trial.name}${engineFlag(name)} --require 1-engine --output cosign-vuln --output-file scan.json`,
      `cg attest ${trial.name} --predicate vuln=scan.json${trial.signFlags()}`,
    ],
  });
  return [
    attest(trial, {
      ...make(scanner),
      make: maker => [simulateScan(maker, scanner, findingsBy(trial.state, scanner))],
    }),
  ];
}

/** Evidence names programs, and ours calls its own engine by another name. */
function engineFlag(scanner: string): string {
  if (scanner === 'cascadeguard') return ' --engine embedded';
  return ['trivy', 'grype'].includes(scanner) ? ` --engine ${scanner}` : '';
}

/** A newer base, a newer package: whatever has a fix and the same cure goes at once. */
export function remediesForFinding(result: RuleResult, trial: Trial): Candidate[] {
  const found = findingsIn(trial.state).find(({ id }) => id === result.term);
  if (found?.fixedIn === undefined || expectedMaker(trial.state.policy) === undefined) return [];
  const { component } = trial.state;
  const isFromBase = isInherited(found, component) === true;
  const isCured = (one: ScanFinding) =>
    one.fixedIn !== undefined &&
    (isFromBase
      ? isInherited(one, component) === true
      : one.package === found.package && one.version === found.version);
  const base = component.base?.name ?? 'the base image';
  const title = isFromBase
    ? `Build on a newer ${base}: it brings ${found.package ?? 'the package'} ${found.version ?? ''}, fixed in ${found.fixedIn}`
    : `Upgrade ${found.package ?? 'the package'} from ${found.version ?? 'its version'} to ${found.fixedIn}, and build again`;
  const gone = [...new Set(latestScans(acceptedIn(trial.state)).map(({ evidence }) => evidence))];
  return [
    rebuild(trial, gone, {
      title,
      commands: [
        `cg scan ${component.repository}@NEW --output cosign-vuln --output-file scan.json`,
        `cg attest ${component.repository}@NEW --sign --predicate vuln=scan.json${trial.signFlags()}`,
        `cg gate ${component.repository}@NEW${trial.gateFlags}`,
      ],
      make: maker =>
        latestScans(acceptedIn(trial.state))
          .filter(({ problem }) => problem === undefined)
          .map(({ scanner, findings }) => simulateScan(maker, scanner, keep(findings, isCured, trial.state))),
    }),
  ];
}

/** A report in its short form does not know layers, so whose a finding is goes along. */
function keep(
  findings: readonly ScanFinding[],
  isCured: (one: ScanFinding) => boolean,
  { component }: State,
): ScanFinding[] {
  return findings
    .filter(one => !isCured(one))
    .map(one => {
      const inherited = isInherited(one, component);
      return { ...one, ...(inherited !== undefined && { inherited }) };
    });
}

/** A scan that is repeated finds at least what it found before. */
function findingsBy(state: State, scanner: string): ScanFinding[] {
  return latestScans(acceptedIn(state))
    .filter(scan => scan.scanner === scanner)
    .flatMap(({ findings }) => keep(findings, () => false, state));
}

function findingsIn(state: State): ScanFinding[] {
  return latestScans(acceptedIn(state)).flatMap(({ findings }) => findings);
}

function acceptedIn({ component, policy }: State) {
  return acceptedAttestations(component.items, policy);
}

import type { Cause } from '../../../model/cause.ts';
import type { IdentityPattern } from '../../../model/identity.ts';
import { predicateTypes } from '../../../model/statement.ts';
import type { RuleResult } from '../../../model/verdict.ts';
import { correctSource, exceptionsFor, nameDigest, otherTags, takeSigner } from './file-remedies.ts';
import { remediesForFinding, rescan } from './finding-remedies.ts';
import type { Candidate } from './fix.ts';
import { attest, rebuild, type Trial } from './making.ts';
import {
  expectedMaker,
  nameOfMaker,
  simulateAttestation,
  simulateCycloneDx,
  simulateProvenance,
  simulateSignature,
  simulateSpdx,
} from './synthetic.ts';

/** What might help against one violation. None of it is told before it was tried. */
export function remediesFor(result: RuleResult, cause: Cause, trial: Trial): Candidate[] {
  return [...remediesForCause(result, cause, trial), ...exceptionsFor(result, cause, trial)];
}

function remediesForCause(result: RuleResult, cause: Cause, trial: Trial): Candidate[] {
  switch (cause) {
    case 'unknown-tag':
      return otherTags(trial);
    case 'unsigned':
    case 'forged':
    case 'wrong-identity':
    case 'local-trust':
      return [...signAnew(result, trial), ...(cause === 'wrong-identity' ? takeSigner(trial) : [])];
    case 'no-provenance':
    case 'evidence-missing':
      return attestMissing(result, trial);
    case 'no-expected-source':
    case 'wrong-commit':
    case 'wrong-repository':
      return [
        ...correctSource(trial),
        ...rebuildWith(result, trial, 'Build the image from the expected commit, and attest that build'),
      ];
    case 'malformed-provenance':
    case 'foreign-source':
      return rebuildWith(
        result,
        trial,
        'Build the image again, with provenance that names only the expected source',
      );
    case 'foreign-builder':
      return rebuildWith(result, trial, 'Build the image with the builder that the policy trusts');
    case 'base-without-digest':
      return rebuildWith(
        result,
        trial,
        'Build the image again with a builder that records the digests of base images',
      );
    case 'no-sbom':
    case 'bad-sbom':
      return attestSbom(result, cause, trial);
    case 'scan-missing':
    case 'scan-stale':
      return rescan(result, trial);
    case 'finding-from-base':
    case 'finding-of-ours':
    case 'finding':
    case 'finding-without-fix':
      return remediesForFinding(result, trial);
    case 'tag-instead-of-digest':
      return nameDigest(trial);
    case 'expired-waiver':
      return remediesForFinding(result, trial);
    case 'other':
      return [];
  }
}

/** The same evidence by the right one. What a local Sigstore vouched for needs all of it again. */
function signAnew(result: RuleResult, trial: Trial): Candidate[] {
  const maker = makerOf(trial);
  if (maker === undefined) return [];
  if (result.code === 'builtin.attestation.signature_check') return attestMissing(result, trial);
  return [
    attest(trial, {
      title: `Sign the image as ${nameOfMaker(maker)}`,
      commands: [`cg sign ${trial.name}${trial.signFlags()}`],
      make: simulated => [simulateSignature(simulated)],
    }),
  ];
}

function attestMissing(result: RuleResult, trial: Trial): Candidate[] {
  const type =
    result.code === 'evidence.required_types' ? (result.term ?? '') : predicateTypes.slsaprovenance1;
  const requirement = trial.state.policy.requirements.find(one => one.type === type);
  const by = expectedMaker(trial.state.policy, requirement?.by ?? trial.state.policy.identities);
  if (by === undefined) return [];
  const who = nameOfMaker(by);
  if (type === 'image-signature') {
    return [
      attest(trial, {
        title: `Sign the image as ${who}`,
        commands: [`cg sign ${trial.name}${trial.signFlags(by)}`],
        by,
        make: one => [simulateSignature(one)],
      }),
    ];
  }
  if (type === predicateTypes.slsaprovenance1) {
    return [
      attest(trial, {
        title: `Attest how the image was built, as ${who}; build.json is what cg build --record build.json wrote`,
        commands: [
          'cg provenance --record build.json --output-file provenance.json',
          `cg attest ${trial.name} --predicate slsaprovenance1=provenance.json${trial.signFlags(by)}`,
        ],
        by,
        make: one => [simulateProvenance(one)],
      }),
    ];
  }
  if (type === predicateTypes.spdx || type === predicateTypes.cyclonedx)
    return attestSbom(
      { ...result, code: type === predicateTypes.spdx ? 'sbom_spdx' : 'sbom_cyclonedx' },
      'no-sbom',
      trial,
    );
  if (type === predicateTypes.vuln) return rescan(result, trial);
  const commands = [`cg attest ${trial.name} --predicate ${type}=predicate.json${trial.signFlags(by)}`];
  return [
    attest(trial, {
      title: `Attest ${type} as ${who}`,
      commands,
      by,
      make: one => [simulateAttestation(one, type, {})],
    }),
  ];
}

function attestSbom(result: RuleResult, cause: Cause, trial: Trial): Candidate[] {
  const isCyclone = result.code.startsWith('sbom_cyclonedx');
  const [format, type] = isCyclone ? ['cyclonedx-json', 'cyclonedx'] : ['spdx-json', 'spdxjson'];
  const make = isCyclone ? simulateCycloneDx : simulateSpdx;
  const commands = [
    `cg sbom ${trial.name} --output ${format} --output-file sbom.json`,
    `cg attest ${trial.name} --predicate ${type}=sbom.json${trial.signFlags()}`,
  ];
  const maker = makerOf(trial);
  if (maker === undefined) return [];
  // A bad one stays with its digest: a new one beside it does not make it good.
  if (cause === 'bad-sbom')
    return [
      rebuild(trial, result.evidence, {
        title: 'Build the image again, and attest an SBOM of what was built',
        commands,
        make: one => [make(one)],
      }),
    ];
  return [
    attest(trial, {
      title: `Attest ${isCyclone ? 'a CycloneDX' : 'an SPDX'} SBOM as ${nameOfMaker(maker)}`,
      commands,
      make: one => [make(one)],
    }),
  ];
}

function rebuildWith(result: RuleResult, trial: Trial, title: string): Candidate[] {
  const maker = makerOf(trial);
  if (maker === undefined) return [];
  const commands = [
    'cg provenance --record build.json --output-file provenance.json',
    `cg attest ${trial.state.component.repository}@NEW --sign --predicate slsaprovenance1=provenance.json${trial.signFlags()}`,
    `cg gate ${trial.state.component.repository}@NEW${trial.gateFlags}`,
  ];
  return [
    rebuild(trial, result.evidence, {
      title: `${title}, as ${nameOfMaker(maker)}`,
      commands,
      make: one => [simulateProvenance(one)],
    }),
  ];
}

function makerOf({ state: { policy } }: Trial): IdentityPattern | 'key' | undefined {
  return expectedMaker(policy);
}

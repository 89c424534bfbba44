import type { IdentityPattern } from '../../../model/identity.ts';
import { predicateTypes } from '../../../model/statement.ts';
import type { RuleResult } from '../../../model/verdict.ts';
import type { Attestation } from '../evidence/accept.ts';
import { isProven, judgeAnew } from '../evidence/accept.ts';
import { isCommit, placeOf, spellRepository } from '../evidence/git-source.ts';
import { dependenciesOf, provenanceOf } from '../evidence/provenance.ts';
import { expiredExceptions } from '../exceptions.ts';
import { type Cause, isAboutResult } from './cause.ts';
import { remediesForFinding, rescan } from './finding-remedies.ts';
import { type Candidate, type PatchStep, type State } from './fix.ts';
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

function otherTags({ alternatives }: Trial): Candidate[] {
  return alternatives.map(alternative => ({
    kind: 'image',
    title: `Use ${alternative.reference}, which exists`,
    commands: [`cg gate ${alternative.reference}`],
    apply: ({ component, policy }) => ({
      policy,
      component: {
        ...alternative,
        name: component.name,
        ...(component.source !== undefined && { source: component.source }),
      },
    }),
  }));
}

/** The same evidence by the right one. What a local Sigstore vouched for needs all of it again. */
function signAnew(result: RuleResult, trial: Trial): Candidate[] {
  const maker = makerOf(trial);
  if (maker === undefined) return [];
  if (result.code === 'builtin.attestation.signature_check') return attestMissing(result, trial);
  return [
    attest(trial, {
      title: `Sign the image as ${nameOfMaker(maker)}`,
      commands: [`cg sign ${trial.name}${trial.signFlags}`],
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
        commands: [`cg sign ${trial.name}${trial.signFlags}`],
        by,
        make: one => [simulateSignature(one)],
      }),
    ];
  }
  if (type === predicateTypes.slsaprovenance1) {
    return [
      attest(trial, {
        title: `Attest how the image was built, as ${who}`,
        commands: [
          'cg provenance --record build.json --output-file provenance.json',
          `cg attest ${trial.name} --predicate slsaprovenance1=provenance.json${trial.signFlags}`,
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
  const commands = [`cg attest ${trial.name} --predicate ${type}=predicate.json${trial.signFlags}`];
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
    `cg attest ${trial.name} --predicate ${type}=sbom.json${trial.signFlags}`,
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

/** The commit that was built, when it is of the expected repository: then the components file may be what is wrong. */
function correctSource({ state }: Trial): Candidate[] {
  const { component } = state;
  const attested = provenanceOf(acceptedIn(state))
    .flatMap(dependenciesOf)
    .filter(({ uri }) => uri.startsWith('git+'))
    .map(placeOf);
  const fits = attested.find(
    ({ repository, commit }) =>
      commit !== undefined &&
      (component.source === undefined || repository === spellRepository(component.source.url)),
  );
  if (fits?.commit === undefined || component.position === undefined) return [];
  const source = { url: component.source?.url ?? fits.repository, revision: fits.commit };
  const root = `/components/${component.position}/source`;
  const step: PatchStep =
    component.source === undefined
      ? { op: 'add', path: root, value: { git: source } }
      : { op: 'replace', path: `${root}/git/revision`, value: fits.commit };
  const isShort = component.source !== undefined && !isCommit(component.source.revision);
  return [
    {
      kind: 'source',
      title:
        component.source === undefined
          ? 'Say in the components file which commit is expected'
          : `Expect the commit that was built${isShort ? `; "${component.source.revision.slice(0, 60)}" is no whole commit` : ''}`,
      commands: [],
      patch: { file: 'components', steps: [step] },
      warning: 'only when that commit is the one that you mean',
      apply: ({ policy, component: before }) => ({ policy, component: { ...before, source } }),
    },
  ];
}

function rebuildWith(result: RuleResult, trial: Trial, title: string): Candidate[] {
  const maker = makerOf(trial);
  if (maker === undefined) return [];
  const commands = [
    'cg provenance --record build.json --output-file provenance.json',
    `cg attest ${trial.state.component.repository}@NEW --sign --predicate slsaprovenance1=provenance.json${trial.signFlags}`,
    `cg gate ${trial.state.component.repository}@NEW`,
  ];
  const isVain = result.message.endsWith('nothing to examine');
  return [
    rebuild(trial, isVain ? [] : result.evidence, {
      title: `${title}, as ${nameOfMaker(maker)}`,
      commands,
      make: one => [simulateProvenance(one)],
    }),
  ];
}

function nameDigest({ state: { component } }: Trial): Candidate[] {
  const { digest, repository, position } = component;
  if (digest === undefined) return [];
  const pinned = `${repository}@${digest}`;
  return [
    {
      kind: 'image',
      title: 'Name the image by its digest',
      commands: [`cg gate ${pinned}`],
      ...(position !== undefined && {
        patch: {
          file: 'components',
          steps: [{ op: 'replace', path: `/components/${position}/containerImage`, value: pinned }],
        },
      }),
      apply: ({ policy, component: before }) => ({ policy, component: { ...before, reference: pinned } }),
    },
  ];
}

/** Only a signer whose certificate is of the expected repository: whoever it is else, the policy was right. */
function takeSigner({ state: { component, policy } }: Trial): Candidate[] {
  const { source } = component;
  const [identity] = policy.identities;
  if (
    source === undefined ||
    policy.identities.length !== 1 ||
    identity?.subject === undefined ||
    identity.issuer === undefined
  )
    return [];
  const signer = component.items
    .filter(isProven)
    .map(item => judgeAnew(item, policy))
    .flatMap(({ signer: one, trust, reasons }) => {
      const isWrongOnly = reasons.every(({ code }) => code === 'identity' || code === 'issuer');
      if (one?.kind !== 'certificate' || trust === undefined || !isWrongOnly) return [];
      return spellRepository(one.claims['sourceRepositoryUri'] ?? '') === spellRepository(source.url)
        ? [one]
        : [];
    })[0];
  if (signer === undefined) return [];
  const wanted: IdentityPattern = { ...identity, issuer: signer.issuer, subject: signer.subject };
  const steps = (['issuer', 'subject'] as const)
    .filter(key => identity[key] !== wanted[key])
    .map((key): PatchStep => ({ op: 'replace', path: `/identity/${key}`, value: wanted[key] }));
  return [
    {
      kind: 'identity',
      title: 'Expect the identity that signed',
      commands: [],
      patch: { file: 'policy', steps },
      warning: 'only when that pipeline is one that you trust with releases',
      apply: state => ({ component: state.component, policy: { ...state.policy, identities: [wanted] } }),
    },
  ];
}

const day = 86_400_000;

/** A risk that is accepted for a while, as narrow as it can be written; only in a list that policy.yaml has. */
function exceptionsFor(
  result: RuleResult,
  cause: Cause,
  { state: { policy, component }, time }: Trial,
): Candidate[] {
  if (/^(?:builtin|evidence)\./.test(result.code)) return [];
  const index = policy.sources.findIndex(
    source =>
      source.policy.length > 0 &&
      source.include.some(entry => entry === '*' || isAboutResult(entry, result.code, undefined)),
  );
  const source = policy.sources[index];
  if (source === undefined) return [];
  const value = result.term === undefined ? result.code : `${result.code}:${result.term}`;
  const effectiveUntil = new Date(Date.parse(time) + 14 * day).toISOString().replace(/\.\d{3}Z$/, 'Z');
  const place = component.digest === undefined ? {} : { imageDigest: component.digest };
  const entry = { value, effectiveUntil, ...place };
  const old = expiredExceptions(component, policy, Date.parse(time)).find(one =>
    isAboutResult(one.value, result.code, result.term),
  );
  const at = old === undefined ? -1 : source.volatileExclude.indexOf(old);
  const root = `/sources/${index}/volatileConfig`;
  const isNew = source.volatileExclude.length + source.volatileInclude.length === 0;
  const step: PatchStep =
    at !== -1
      ? { op: 'replace', path: `${root}/exclude/${at}/effectiveUntil`, value: effectiveUntil }
      : isNew
        ? { op: 'add', path: root, value: { exclude: [entry] } }
        : source.volatileExclude.length === 0
          ? { op: 'add', path: `${root}/exclude`, value: [entry] }
          : { op: 'add', path: `${root}/exclude/-`, value: entry };
  return [
    {
      kind: 'policy',
      title:
        cause === 'expired-waiver' && at !== -1
          ? `Renew the exception for ${value} until ${effectiveUntil}`
          : `Accept ${value} for this image until ${effectiveUntil}`,
      commands: [],
      patch: { file: 'policy', steps: [step] },
      warning: 'the image stays as it is; somebody answers for that',
      apply: state => ({
        component: state.component,
        policy: withException(state, index, at, entry, effectiveUntil),
      }),
    },
  ];
}

function withException(
  { policy }: State,
  index: number,
  at: number,
  entry: { value: string; effectiveUntil: string; imageDigest?: string },
  effectiveUntil: string,
): State['policy'] {
  const sources = policy.sources.map((source, place) => {
    if (place !== index) return source;
    const volatileExclude =
      at === -1
        ? [...source.volatileExclude, entry]
        : source.volatileExclude.map((one, here) => (here === at ? { ...one, effectiveUntil } : one));
    return { ...source, volatileExclude };
  });
  return { ...policy, sources };
}

function acceptedIn({ component, policy }: State): Attestation[] {
  return component.items.filter(
    (item): item is Attestation =>
      item.kind === 'attestation' && item.statement !== undefined && judgeAnew(item, policy).verified,
  );
}

function makerOf({ state: { policy } }: Trial): IdentityPattern | 'key' | undefined {
  return expectedMaker(policy);
}

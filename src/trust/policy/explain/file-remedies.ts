import type { Cause } from '../../../model/cause.ts';
import type { IdentityPattern } from '../../../model/identity.ts';
import type { RuleResult } from '../../../model/verdict.ts';
import { type Attestation, isProven, judgeAnew } from '../evidence/accept.ts';
import { isCommit, placeOf, spellRepository } from '../evidence/git-source.ts';
import { dependenciesOf, provenanceOf } from '../evidence/provenance.ts';
import { expiredExceptions } from '../exceptions.ts';
import { isAboutResult } from './cause.ts';
import type { Candidate, PatchStep, State } from './fix.ts';
import type { Trial } from './making.ts';

export function otherTags({ alternatives, gateFlags }: Trial): Candidate[] {
  return alternatives.map(alternative => ({
    kind: 'image',
    title: `Use ${alternative.reference}, which exists`,
    commands: [`cg gate ${alternative.reference}${gateFlags}`],
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

/** The commit that was built, when it is of the expected repository: then the components file may be what is wrong. */
export function correctSource({ state }: Trial): Candidate[] {
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

export function nameDigest({ state: { component }, gateFlags }: Trial): Candidate[] {
  const { digest, repository, position } = component;
  if (digest === undefined) return [];
  const pinned = `${repository}@${digest}`;
  return [
    {
      kind: 'image',
      title: 'Name the image by its digest',
      commands: [`cg gate ${pinned}${gateFlags}`],
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
export function takeSigner({ state: { component, policy } }: Trial): Candidate[] {
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
export function exceptionsFor(
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

import type { CertificateSigner, IdentityPattern, Signer } from '../../../model/identity.ts';
import { checkIdentity } from '../../../model/match-identity.ts';
import type { RecordedItem } from '../../../trust/policy/gate-input.ts';
import type { ImageEvidence } from './evidence.ts';
import { type Pod, toPod } from './pods.ts';
import type { Rule, RuleDemands, RuleVerdict } from './rule.ts';

/** A pod that every rule knows an answer to, with the evidence of its images. */
export interface BuiltInPod {
  readonly pod: Pod;
  readonly evidence: ReadonlyMap<string, ImageEvidence>;
  /** What a rule with these demands must say. */
  expect(rule: Rule): RuleVerdict['verdict'];
}

const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const otherRegistry = 'other.invalid/stranger/image';

/** Undefined where no signer can be made up who fits the identities of the rules: they hold a pattern that is not simple. */
export function builtInPods(rules: readonly Rule[], now: Date): readonly BuiltInPod[] | undefined {
  const demands = rules.map(rule => rule.demands);
  const repository = repositoryOf(demands);
  const signers = demands.some(({ groups }) => groups.length > 0) ? signersFor(demands) : [stranger];
  if (signers === undefined) return undefined;
  const types = [...new Set(demands.flatMap(({ predicateTypes }) => predicateTypes))];
  const oldest = Math.min(...demands.flatMap(({ maxAgeHours }) => [...maxAgeHours.values()]), 24 * 365);
  const fresh = new Date(now.getTime() - 60_000);
  const stale = new Date(now.getTime() - Math.max(...allAges(demands), oldest) * 3_600_000 - 60_000);
  const full = (all: readonly Signer[], at: Date) =>
    all.flatMap(who => [signature(who), ...types.map(type => attestation(who, type, at))]);
  const good = `${repository}@${digestOf('1')}`;
  const tagged = `${repository}:1.0`;
  const evidence = new Map<string, ImageEvidence>([
    [good, { items: full(signers, fresh) }],
    [`${tagged}@${digestOf('1')}`, { items: full(signers, fresh) }],
    [tagged, { items: full(signers, fresh) }],
    [`${repository}@${digestOf('2')}`, { items: [] }],
    [`${repository}@${digestOf('3')}`, { items: full([stranger], fresh) }],
    [
      `${repository}@${digestOf('4')}`,
      {
        items: signers.flatMap(who => [
          signature(who),
          attestation(who, 'https://other.invalid/type', fresh),
        ]),
      },
    ],
    [`${repository}@${digestOf('5')}`, { items: full(signers, stale) }],
    [`${repository}@${digestOf('8')}`, { items: full(signers, fresh) }],
  ]);
  const image = (digit: string): string => `${repository}@${digestOf(digit)}`;
  const always = (verdict: RuleVerdict['verdict']) => () => verdict;
  const needsDigest = ({ demands: { digest } }: Rule) => (digest ? 'refused' : 'admitted');
  const needsSigner = ({ demands: { identities } }: Rule) => (identities.length > 0 ? 'refused' : 'admitted');
  const make = (
    name: string,
    lists: Readonly<Record<string, readonly string[]>>,
    expect: BuiltInPod['expect'],
  ): BuiltInPod => ({
    pod: toPod(name, { spec: specOf(lists) }, 'built in'),
    evidence,
    expect,
  });
  return [
    make('pinned and proven', { containers: [good] }, always('admitted')),
    make('a tag', { containers: [tagged] }, needsDigest),
    make('a tag among init containers', { containers: [good], initContainers: [tagged] }, needsDigest),
    make(
      'a tag among ephemeral containers',
      { containers: [good], ephemeralContainers: [tagged] },
      needsDigest,
    ),
    make(
      'a digest that is too short',
      { containers: [`${repository}@sha256:${'1'.repeat(63)}`] },
      always('refused'),
    ),
    make('a tag and a digest', { containers: [`${tagged}@${digestOf('1')}`] }, always('admitted')),
    make('unsigned', { containers: [image('2')] }, needsSigner),
    make('unsigned init container', { containers: [good], initContainers: [image('2')] }, needsSigner),
    make(
      'unsigned ephemeral container',
      { containers: [good], ephemeralContainers: [image('2')] },
      needsSigner,
    ),
    make('signed by somebody else', { containers: [image('3')] }, needsSigner),
    make('attested something else', { containers: [image('4')] }, ({ demands: { predicateTypes } }) =>
      predicateTypes.length > 0 ? 'refused' : 'admitted',
    ),
    make('scanned too long ago', { containers: [image('5')] }, ({ demands: { maxAgeHours } }) =>
      maxAgeHours.size > 0 ? 'refused' : 'admitted',
    ),
    // No rule that is generated asks for the source; the identity of the signer names its repository.
    make('provenance of another source', { containers: [image('8')] }, always('admitted')),
    make(
      'another registry',
      { containers: [`${otherRegistry}@${digestOf('6')}`] },
      ({ demands: { globs } }) => (globs.length > 0 ? 'out-of-scope' : 'admitted'),
    ),
    make(
      'a repository that begins alike',
      { containers: [`${repository}-evil@${digestOf('7')}`] },
      ({ demands: { globs } }) => (globs.length > 0 ? 'out-of-scope' : 'admitted'),
    ),
  ];
}

function specOf(lists: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(lists).map(([list, images]) => [
      list,
      images.map((image, at) => ({ name: `${list.toLowerCase()}-${at}`, image })),
    ]),
  );
}

function allAges(demands: readonly RuleDemands[]): readonly number[] {
  return demands.flatMap(({ maxAgeHours }) => [...maxAgeHours.values()]);
}

/** The first repository that every rule with a scope looks at. */
function repositoryOf(demands: readonly RuleDemands[]): string {
  const globs = demands.flatMap(one => one.globs).find(glob => /[@:]\*$/.test(glob));
  return globs?.replace(/[@:]\*$/, '') ?? 'registry.invalid/shop/web';
}

const stranger: CertificateSigner = {
  kind: 'certificate',
  issuer: 'https://stranger.invalid',
  subject: 'https://stranger.invalid/workflow',
  subjectKind: 'uri',
  claims: {},
};

/** Somebody for every group that any rule believes; undefined where nobody can be made up for one. */
function signersFor(demands: readonly RuleDemands[]): readonly Signer[] | undefined {
  const groups = demands.flatMap(one => one.groups);
  const found = groups.map(identities =>
    identities
      .map(makeUp)
      .find(candidate => identities.some(one => checkIdentity(candidate, [one]).length === 0)),
  );
  const signers = found.flatMap(signer => signer ?? []);
  return signers.length < groups.length ? undefined : signers;
}

function makeUp({ issuer, issuerRegExp, subject, subjectRegExp }: IdentityPattern): Signer {
  return {
    ...stranger,
    issuer: issuer ?? sampleOf(issuerRegExp ?? ''),
    subject: subject ?? sampleOf(subjectRegExp ?? ''),
  };
}

/** A text that simple patterns match; whether it does is looked at by those who use it. */
function sampleOf(pattern: string): string {
  return pattern
    .replace(/^\^?(?:\(\?:)?/, '')
    .replace(/\)?\$?$/, '')
    .replace(/\^|\$$/g, '')
    .replace(/(?:\[0-9\]|\\d)[+*]?/g, '1')
    .replace(/\[\^\/\][+*]?|\.[+*]/g, 'x')
    .replace(/\\(.)/g, '$1');
}

function signature(signer: Signer): RecordedItem {
  return { ...proof, id: 'built-in:signature', store: 'sig', kind: 'signature', signer };
}

function attestation(signer: Signer, predicateType: string, scanned: Date): RecordedItem {
  const predicate = { metadata: { scanFinishedOn: scanned.toISOString() } };
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [], predicateType, predicate };
  return {
    ...proof,
    id: `built-in:${predicateType}`,
    store: 'att',
    kind: 'attestation',
    predicateType,
    signer,
    statement,
  };
}

const proof = { verified: true, trust: 'public-good', times: [], reasons: [] } as const;

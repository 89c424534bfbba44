import { resolve } from 'node:path';
import { builtInPods } from '../delivery/admission/simulation/built-in-pods.ts';
import type { ImageEvidence } from '../delivery/admission/simulation/evidence.ts';
import { imageLists, type Pod, readPods } from '../delivery/admission/simulation/pods.ts';
import { type RuleFile, readRules } from '../delivery/admission/simulation/read-rules.ts';
import type { Rule, RuleVerdict } from '../delivery/admission/simulation/rule.ts';
import { type ExitCode, exitCodes } from '../ground/fault/exit-codes.ts';
import { Fault } from '../ground/fault/fault.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { registriesOf, toLocation } from '../image/oci/open.ts';
import { systemClock } from '../model/clock.ts';
import { isLocalTrust } from '../model/evidence.ts';
import { parseImageReference } from '../model/image-reference.ts';
import { openJudge, type TrustChoice } from './evidence/open-judge.ts';
import { collectComponent } from './gate/collect-component.ts';
import { readReplay } from './gate/read-replay.ts';
import { readTextFile } from './gate/read-text.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export interface SimulateAdmissionOptions extends ReachOptions, Omit<TrustChoice, 'identities' | 'keys'> {
  readonly cwd: string;
  /** What `cg admission generate` wrote. */
  readonly files: readonly string[];
  /** Manifests; without any, a set of pods to which the answers are known. */
  readonly pods?: readonly string[];
  /** Records of `cg gate --record`, instead of asking registries. */
  readonly evidence?: readonly string[];
  readonly onWarning?: (text: string) => void;
}

const largestManifests = 4 * 1024 * 1024;

type Answer = RuleVerdict['verdict'];

export interface SimulatedRule {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface SimulatedPod {
  readonly pod: string;
  readonly images: readonly string[];
  readonly verdict: 'admitted' | 'refused' | 'unknown';
  /** One for each rule, in their order. */
  readonly answers: readonly {
    readonly rule: string;
    readonly verdict: Answer;
    readonly reasons: readonly string[];
    /** Only for the built-in pods. */
    readonly expected?: Answer;
  }[];
}

export interface SimulatedAdmission {
  readonly builtIn: boolean;
  readonly rules: readonly SimulatedRule[];
  readonly pods: readonly SimulatedPod[];
  /** Every pod is admitted, or the built-in ones get the answers that they should. */
  readonly holds: boolean;
  readonly exit: ExitCode;
  readonly notes: readonly string[];
}

/** Judges pods by exactly the policies that stand in the files, as a cluster that enforces them would. */
export async function simulateAdmission(o: SimulateAdmissionOptions): Promise<SimulatedAdmission> {
  const files = await Promise.all(
    o.files.map(async path => ({ path, text: await readTextFile(resolve(o.cwd, path)) })),
  );
  if (o.pods === undefined || o.pods.length === 0) {
    const simulated = simulateBuiltIn(files, (o.clock ?? systemClock).now());
    if (simulated !== undefined) return simulated;
    throw new Fault('POLICY_UNSUPPORTED', {
      what: 'no signer can be made up who matches the patterns of these identities',
      where: o.files.join(', '),
      next: 'name manifests: --pods FILE',
    });
  }
  const known = new Map<string, ImageEvidence>();
  const rules = readRules(files, {
    evidence: image => known.get(image) ?? noEvidence,
    now: (o.clock ?? systemClock).now(),
  });
  const manifests = await Promise.all(
    o.pods.map(async path => readPods(await readTextFile(resolve(o.cwd, path), largestManifests), path)),
  );
  const pods = manifests.flat();
  const asked = imagesToAsk(pods, rules);
  const found = await findEvidence(asked, rules, o);
  for (const [image, evidence] of found) known.set(image, evidence);
  return summarise(
    rules,
    pods.map(pod => judgePod(pod, rules)),
    notesOf(rules, found),
    false,
  );
}

/** The built-in pods, for which neither a registry nor a file is needed; undefined where no evidence can be made up. */
export function simulateBuiltIn(files: readonly RuleFile[], now: Date): SimulatedAdmission | undefined {
  const known = new Map<string, ImageEvidence>();
  const rules = readRules(files, { evidence: image => known.get(image) ?? noEvidence, now });
  const builtIn = builtInPods(rules, now);
  if (builtIn === undefined) return undefined;
  for (const { evidence } of builtIn) for (const [image, items] of evidence) known.set(image, items);
  const pods = builtIn.map(({ pod, expect }) => judgePod(pod, rules, expect));
  return summarise(rules, pods, notesOf(rules, known), true);
}

const noEvidence: ImageEvidence = {
  items: [],
  problem: { kind: 'absent', message: 'there is no such image' },
};

function judgePod(pod: Pod, rules: readonly Rule[], expect?: (rule: Rule) => Answer): SimulatedPod {
  const answers = rules.map(rule => ({
    rule: nameOf(rule),
    ...rule.judge(pod),
    ...(expect !== undefined && { expected: expect(rule) }),
  }));
  const has = (answer: Answer) => answers.some(({ verdict }) => verdict === answer);
  return {
    pod: pod.name,
    images: imageLists.flatMap(list => pod.images[list]),
    verdict: has('refused') ? 'refused' : has('unknown') ? 'unknown' : 'admitted',
    answers,
  };
}

function nameOf({ kind, name }: Pick<Rule, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

function summarise(
  rules: readonly Rule[],
  pods: readonly SimulatedPod[],
  notes: readonly string[],
  builtIn: boolean,
): SimulatedAdmission {
  const holds = builtIn
    ? pods.every(({ answers }) => answers.every(({ verdict, expected }) => verdict === expected))
    : pods.every(({ verdict }) => verdict === 'admitted');
  const isRefused = builtIn ? !holds : pods.some(({ verdict }) => verdict === 'refused');
  return {
    builtIn,
    rules: rules.map(({ file, kind, name, actions }) => ({ file, kind, name, actions })),
    pods,
    holds,
    exit: holds ? exitCodes.done : isRefused ? exitCodes.deny : exitCodes.remote,
    notes,
  };
}

function imagesToAsk(pods: readonly Pod[], rules: readonly Rule[]): readonly string[] {
  const signed = rules.filter(({ demands }) => demands.identities.length > 0);
  const images = pods.flatMap(pod => imageLists.flatMap(list => pod.images[list]));
  const asked = images.filter(image => signed.some(rule => rule.inScope(image)));
  return [...new Set(asked)].filter(image => 'value' in parseImageReference(image));
}

async function findEvidence(
  images: readonly string[],
  rules: readonly Rule[],
  o: SimulateAdmissionOptions,
): Promise<ReadonlyMap<string, ImageEvidence>> {
  if (images.length === 0) return new Map();
  if (o.evidence !== undefined && o.evidence.length > 0) return await recordedEvidence(images, o.evidence, o);
  const judge = await openJudge({ ...o, identities: rules.flatMap(({ demands }) => demands.identities) });
  for (const warning of judge.warnings) o.onWarning?.(warning);
  const hosts = images.flatMap(image => registriesOf(toLocation(image)));
  const accepted = new Set(['public-good', ...(judge.expectations.trust?.roots ?? [])]);
  const accepts = (trust = '') => accepted.has(trust) || (judge.allowsLocal && isLocalTrust(trust));
  const call = { children: 'inherit', ...(o.signal !== undefined && { signal: o.signal }) } as const;
  return await reachRegistries(o, [...new Set(hosts)], async access => {
    const found = await inParallel(images, 5, async image => {
      const [whole] = await collectComponent({ name: image, image }, access, judge, call);
      return [image, toEvidence(whole, accepts)] as const;
    });
    return new Map(found);
  });
}

function toEvidence(
  one: { readonly items: ImageEvidence['items']; readonly problem?: ImageEvidence['problem'] } | undefined,
  accepts: (trust?: string) => boolean,
): ImageEvidence {
  if (one === undefined) return noEvidence;
  return {
    items: one.items.filter(({ trust }) => accepts(trust)),
    ...(one.problem !== undefined && { problem: one.problem }),
  };
}

async function recordedEvidence(
  images: readonly string[],
  files: readonly string[],
  { cwd, allowLocalTrust }: SimulateAdmissionOptions,
): Promise<ReadonlyMap<string, ImageEvidence>> {
  const records = await Promise.all(files.map(async file => await readReplay(resolve(cwd, file))));
  const components = records.flatMap(record => record.components);
  const accepted = new Set(['public-good', ...records.flatMap(({ policy }) => policy.trust.roots)]);
  const accepts = (trust = '') => accepted.has(trust) || (allowLocalTrust === true && isLocalTrust(trust));
  return new Map(
    images.map(image => {
      const parsed = parseImageReference(image);
      const { registry = '', repository = '', digest } = 'value' in parsed ? parsed.value : {};
      const found = components.find(
        one =>
          one.reference === image ||
          (digest !== undefined && one.digest === digest && one.repository === `${registry}/${repository}`),
      );
      const unknown: ImageEvidence = {
        items: [],
        problem: { kind: 'unreachable', message: `no record holds the evidence of ${image}` },
      };
      return [image, found === undefined ? unknown : toEvidence(found, accepts)] as const;
    }),
  );
}

function notesOf(rules: readonly Rule[], evidence: ReadonlyMap<string, ImageEvidence>): readonly string[] {
  const looking = rules.filter(({ actions }) => !actions.some(action => /^(?:deny|enforce)$/i.test(action)));
  const isForeign = [...evidence.values()].some(({ items }) =>
    items.some(({ trust }) => trust !== 'public-good'),
  );
  return [
    ...(looking.length > 0 ? ['as if they refused: these policies only look so far (Audit, warn)'] : []),
    ...(isForeign
      ? [
          'evidence counted that the public Sigstore did not witness: a cluster needs your addresses and roots for it',
        ]
      : []),
    ...(rules.some(({ kind }) => kind === 'ClusterImagePolicy')
      ? ['images that no policy of the policy-controller names are for its no-match-policy to decide']
      : []),
    ...(rules.some(({ kind }) => kind === 'ValidatingAdmissionPolicy')
      ? ['the namespace is one that the binding selects']
      : []),
  ];
}

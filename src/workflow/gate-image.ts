import { type ExitCode, exitCodes } from '../ground/fault/exit-codes.ts';
import { Fault } from '../ground/fault/fault.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { registriesOf, toLocation } from '../image/oci/open.ts';
import { systemClock } from '../model/clock.ts';
import type { ComponentVerdict, Decision, Verdict } from '../model/verdict.ts';
import { evaluate, evaluateComponent, joinVerdicts } from '../trust/policy/evaluate.ts';
import type { ComponentEvidence, GateInput } from '../trust/policy/gate-input.ts';
import type { Policy } from '../trust/policy/policy.ts';
import { openJudge, type TrustChoice } from './evidence/open-judge.ts';
import { collectComponent } from './gate/collect-component.ts';
import { attestationTime, resolveTime } from './gate/effective-time.ts';
import { type GateTarget, readTargets } from './gate/read-components.ts';
import { type PolicyChoice, readPolicy } from './gate/read-policy.ts';
import { readReplay } from './gate/read-replay.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export type { ComponentVerdict, Decision, JudgedItem, RuleResult, Verdict } from '../model/verdict.ts';
export { ruleTexts } from '../trust/policy/rules/all.ts';

/** By what is judged, and how; whatever the images are. */
export interface GateOptions extends ReachOptions, PolicyChoice, Omit<TrustChoice, 'identities' | 'keys'> {
  /** `now`, `attestation`, a date or RFC 3339. */
  readonly effectiveTime?: string;
  readonly allowPastTime?: boolean;
  /** Components that are looked at side by side. */
  readonly workers?: number;
  readonly onWarning?: (text: string) => void;
}

export interface GateImagesOptions extends GateOptions {
  /** References; each is a component called Unnamed. */
  readonly images?: readonly string[];
  /** Components files, or their content. */
  readonly components?: readonly string[];
  /** The same as data, for other stories. */
  readonly targets?: readonly GateTarget[];
}

export interface GatedImages {
  readonly verdict: Verdict;
  readonly policy: Policy;
  /** Only where it was asked for: it holds all evidence in memory. */
  readonly input?: GateInput;
}

/** Judges images by a policy. Each is read, decided and forgotten, so that memory holds a few at a time. */
export async function gateImages(
  o: GateImagesOptions & { readonly keepInput?: boolean },
): Promise<GatedImages> {
  const targets = await requireTargets(o);
  return await withGate(
    o,
    targets.map(({ image }) => image),
    async ({ policy, time, collect }) => {
      const kept: ComponentEvidence[] = [];
      const verdicts = await inParallel(targets, o.workers ?? 5, async target => {
        const components = await collect(target);
        if (o.keepInput === true) kept.push(...components);
        return components.map((component): ComponentVerdict => evaluateComponent(component, policy, time));
      });
      const verdict = joinVerdicts(verdicts.flat(), policy, time);
      if (o.keepInput !== true) return { verdict, policy };
      return { verdict, policy, input: { version: 1, time, policy, components: sortComponents(kept) } };
    },
  );
}

/** A policy and whom to believe, read once; and connections for as many images as are asked about. */
export interface Gate {
  readonly policy: Policy;
  readonly time: string;
  collect(target: GateTarget): Promise<ComponentEvidence[]>;
  judge(target: Pick<GateTarget, 'image' | 'source'>): Promise<Verdict>;
}

/** Opens a gate for what is at these registries, and closes it whatever happens. */
export async function withGate<T>(
  o: GateOptions,
  images: readonly string[],
  work: (gate: Gate) => Promise<T>,
): Promise<T> {
  const { policy: read, children } = await readPolicy(o);
  const now = (o.clock ?? systemClock).now();
  const time = resolveTime(o.effectiveTime ?? 'now', now, o.allowPastTime ?? false);
  const judge = await openJudge(trustOf(o, read));
  for (const warning of judge.warnings) o.onWarning?.(warning);
  const policy: Policy = { ...read, trust: { ...read.trust, roots: judge.expectations.trust?.roots ?? [] } };
  const options = {
    children,
    ...(o.signal !== undefined && { signal: o.signal }),
    ...(o.maxItemBytes !== undefined && { maxItemBytes: o.maxItemBytes }),
  };
  const hosts = images.flatMap(image => registriesOf(toLocation(image)));
  return await reachRegistries(o, [...new Set(hosts)], async access => {
    const collect = async (target: GateTarget): Promise<ComponentEvidence[]> => {
      const found = await collectComponent(target, access, judge, options);
      return o.effectiveTime === 'attestation' ? found.map(one => attestationTime(one, policy)) : found;
    };
    const judgeOne = async (target: Pick<GateTarget, 'image' | 'source'>): Promise<Verdict> => {
      const components = await collect({ name: 'image', ...target });
      return joinVerdicts(
        components.map(component => evaluateComponent(component, policy, time)),
        policy,
        time,
      );
    };
    return await work({ policy, time, collect, judge: judgeOne });
  });
}

/** One image by its reference: what other stories ask before they promote, synchronise or roll out. */
export async function gateImage(
  o: GateOptions & {
    readonly reference: string;
    readonly source?: GateTarget['source'];
  },
): Promise<Verdict> {
  const { reference, source } = o;
  return await withGate(
    o,
    [reference],
    async gate => await gate.judge({ image: reference, ...(source !== undefined && { source }) }),
  );
}

/** Gives the verdict again from a record: nothing is fetched and nothing verified anew. */
export async function replayGate(file: string): Promise<GatedImages> {
  const input = await readReplay(file);
  return { verdict: evaluate(input), policy: input.policy, input };
}

export async function recordGate(file: string, input: GateInput): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(input)}\n`);
}

/** Blocked and broken are never the same code. */
export function exitOfVerdict({
  decision,
  components,
}: {
  readonly decision: Decision;
  readonly components: readonly Pick<ComponentVerdict, 'trouble'>[];
}): ExitCode {
  if (decision === 'allow') return exitCodes.done;
  if (decision === 'deny') return exitCodes.deny;
  // What cannot be trusted is the worse news, and trying again does not change it.
  return components.some(({ trouble }) => trouble?.exit === 4) ? exitCodes.trust : exitCodes.remote;
}

async function requireTargets(o: GateImagesOptions): Promise<GateTarget[]> {
  const targets = [...(o.targets ?? []), ...(await readTargets(o))];
  if (targets.length > 0) return targets;
  throw new Fault('USAGE', {
    what: 'neither Snapshot nor image reference provided to validate',
    expected: 'an image, --image REF, or --images FILE',
    next: 'cg gate REF --policy policy.yaml',
  });
}

/** The policy says whom to believe; the roots come from the command line. */
function trustOf(
  o: GateOptions,
  { identities, publicKey, requirements }: Policy,
): TrustChoice & { readonly env: ReachOptions['env'] } {
  const all = [...identities, ...requirements.flatMap(({ by }) => by)];
  const isInline = publicKey?.includes('-----BEGIN') === true;
  const keys = publicKey === undefined ? [] : [isInline ? `env://${inlineKey}` : publicKey];
  return {
    ...o,
    // Who is the right one is decided with the policy; the verifier says only who it was.
    identities: all,
    keys,
    env: isInline && publicKey !== undefined ? { ...o.env, [inlineKey]: publicKey } : o.env,
    trustedRoots: rootsOf(o),
  };
}

const inlineKey = 'CG_POLICY_PUBLIC_KEY';

/** The variable that cosign and Enterprise Contract read as well. */
function rootsOf({ trustedRoots = [], env }: Pick<GateOptions, 'trustedRoots' | 'env'>): readonly string[] {
  const fromEnvironment = env['SIGSTORE_ROOT_FILE'];
  return trustedRoots.length > 0 || !fromEnvironment ? trustedRoots : [fromEnvironment];
}

function sortComponents(components: readonly ComponentEvidence[]): ComponentEvidence[] {
  const keyOf = ({ name, reference, digest }: ComponentEvidence) => `${reference}\n${digest ?? ''}\n${name}`;
  return components.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

import type { Trailers } from '../../delivery/gitops/trailers.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { open } from '../../image/oci/open.ts';
import { isDigest } from '../../model/digest.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import type { Verdict } from '../../model/verdict.ts';
import { type GateOptions, gateImage } from '../gate-image.ts';
import { reachRegistries } from '../reach-registries.ts';
import type { Environment } from './environments.ts';
import { type ExplainChoice, explainLine } from './explain-line.ts';

/** What it takes to ask whether an image may come to an environment. */
export type EvidenceOptions = GateOptions & {
  /** Pins what no policy vouches for, or what the policy denies; the commit says so, and why. */
  readonly allowUnverified?: boolean;
  /** Why, for the commit. */
  readonly reason?: string;
};

export interface CheckedImage {
  readonly image: string;
  /** `allow`, or that the policy denied it or nobody was asked, and it was wanted all the same. */
  readonly evidence: 'allow' | 'unverified';
  /** True when evidence of a local Sigstore counted. */
  readonly local: boolean;
  /** The rules that the image does not fulfil. */
  readonly failed: readonly string[];
}

/** Asks the registry for the digest and the policy for the evidence, before anything in Git is touched. */
export async function requireEvidence(
  image: string,
  environment: Environment,
  o: EvidenceOptions,
): Promise<CheckedImage> {
  requireReason(o);
  await requirePresence(image, o);
  const policy = o.policy ?? environment.policy;
  const promotion = o.promotion ?? environment.promotion;
  const choice = {
    ...o,
    ...(policy !== undefined && { policy }),
    ...(promotion !== undefined && { promotion }),
  };
  const isAsked =
    policy !== undefined || promotion !== undefined || o.identity !== undefined || o.publicKey !== undefined;
  if (!isAsked) {
    if (o.allowUnverified === true) return { image, evidence: 'unverified', local: false, failed: [] };
    throw new Fault('PROMOTION_REFUSED', {
      what: `nothing says what an image must prove to come to ${environment.name}`,
      where: image,
      expected: 'a policy',
      next: `set gitops.environments.${environment.name}.policy, or --policy FILE, or --allow-unverified --reason TEXT`,
    });
  }
  const verdict = await gateImage({ ...choice, reference: image });
  if (verdict.decision === 'allow')
    return { image, evidence: 'allow', local: !verdict.production, failed: [] };
  // Only a no can be overruled: whoever could not look does not know what he would overrule.
  const isUnseen = verdict.components.some(({ decision }) => decision === 'indeterminate');
  if (isUnseen || verdict.decision !== 'deny' || o.allowUnverified !== true)
    throw verdictFault(verdict, image, { ...choice, name: environment.name });
  return {
    image,
    evidence: 'unverified',
    local: false,
    failed: overrule(verdict, image, environment, o.onWarning),
  };
}

/** Whoever overrules a policy says why; it is asked before anything is looked at. */
export function requireReason({ allowUnverified, reason }: EvidenceOptions): void {
  if (allowUnverified !== true || (reason ?? '').trim() !== '') return;
  throw new Fault('USAGE', {
    what: '--allow-unverified needs --reason TEXT: the commit says for ever who wanted this and why',
    expected: '--reason TEXT',
    next: 'the same command with --reason "why it must be"',
  });
}

function overrule(
  { components }: Verdict,
  image: string,
  { name }: Environment,
  onWarning: EvidenceOptions['onWarning'],
): readonly string[] {
  const violations = components.flatMap(one => one.violations);
  for (const { code, message } of violations)
    onWarning?.(`${image} comes to ${name} although its policy denies it: ${code}: ${message}`);
  return [...new Set(violations.map(({ code }) => code))];
}

const mostRules = 100;

/** What the history keeps of the evidence: `git log --format='%(trailers:key=Failed-Rule)'` finds every override. */
export function evidenceTrailers(
  checked: readonly CheckedImage[],
  { reason }: Pick<EvidenceOptions, 'reason'>,
): Trailers {
  const words = checked.map(({ evidence, local }) =>
    evidence === 'unverified' ? 'unverified' : local ? 'allow (local trust)' : 'allow',
  );
  const rules = checked.flatMap(({ image, failed }) => failed.map(code => `${code} ${image}`));
  return [
    ...(reason === undefined ? [] : ([['Reason', reason]] as const)),
    ...(words.length === 0 ? [] : ([['Evidence', [...new Set(words)].join(', ')]] as const)),
    ...rules.slice(0, mostRules).map(rule => ['Failed-Rule', rule] as const),
  ];
}

/** What a refusal is about: where the image shall go, and what was asked of it. */
export type JudgedPlace = { readonly name: string } & ExplainChoice;

export function verdictFault(verdict: Verdict, image: string, place: JudgedPlace): Fault {
  const troubles = verdict.components.flatMap(({ trouble }) => trouble ?? []);
  const reasons = verdict.components.flatMap(({ violations }) =>
    violations.map(({ code, message }) => `${code}: ${message}`),
  );
  const isTrouble = verdict.decision === 'indeterminate' || troubles.length > 0;
  // What cannot be trusted is the worse news, and trying again does not change it.
  const isOutage = isTrouble && !troubles.some(({ exit }) => exit === 4);
  const said = isTrouble ? troubles.map(({ message }) => message) : [...new Set(reasons)];
  const actual = said.slice(0, 5).join('; ');
  return new Fault(isOutage ? 'NETWORK' : isTrouble ? 'EVIDENCE_UNREADABLE' : 'PROMOTION_REFUSED', {
    what: isTrouble
      ? `the evidence for ${place.name} could not be judged`
      : `the evidence does not satisfy the policy of ${place.name}`,
    where: image,
    ...(actual !== '' && { actual }),
    next: isOutage
      ? 'run the same command again when it answers; nothing was changed'
      : explainLine(image, place),
  });
}

async function requirePresence(image: string, o: EvidenceOptions): Promise<void> {
  const parsed = parseImageReference(image);
  const digest = 'value' in parsed ? parsed.value.digest : undefined;
  if ('problem' in parsed || digest === undefined || !isDigest(digest)) {
    throw new Fault('REFERENCE_INVALID', {
      what: 'problem' in parsed ? parsed.problem : 'a tag can move: environments are pinned by digest',
      where: image.slice(0, 300),
      expected: 'REPOSITORY@sha256:… or REPOSITORY:TAG@sha256:…',
      next: `cg inspect ${image.slice(0, 200)} --output json | jq -r .digest`,
    });
  }
  await reachRegistries(o, [parsed.value.registry], async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry } = await open(image, access, call);
    if ((await registry.head(digest, call)) !== undefined) return;
    throw new Fault('NOT_FOUND', {
      what: `the registry does not have ${image}`,
      where: registry.place,
      expected: digest,
      next: 'push the image first; an environment must not point to nothing',
    });
  });
}

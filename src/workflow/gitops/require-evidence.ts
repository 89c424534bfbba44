import { Fault } from '../../ground/fault/fault.ts';
import { open } from '../../image/oci/open.ts';
import { isDigest } from '../../model/digest.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import type { Verdict } from '../../model/verdict.ts';
import { type GateImagesOptions, gateImage } from '../gate-image.ts';
import { reachRegistries } from '../reach-registries.ts';
import type { Environment } from './environments.ts';

/** What it takes to ask whether an image may come to an environment. */
export type EvidenceOptions = Omit<GateImagesOptions, 'images' | 'components'> & {
  /** Pins what nobody vouches for; the commit says so. */
  readonly allowUnverified?: boolean;
};

export interface CheckedImage {
  /** `allow`, or that nobody was asked. */
  readonly evidence: 'allow' | 'unverified';
  /** True when evidence of a local Sigstore counted. */
  readonly local: boolean;
}

/** Asks the registry for the digest and the policy for the evidence, before anything in Git is touched. */
export async function requireEvidence(
  image: string,
  environment: Environment,
  o: EvidenceOptions,
): Promise<CheckedImage> {
  await requirePresence(image, o);
  const policy = o.policy ?? environment.policy;
  const promotion = o.promotion ?? environment.promotion;
  const isAsked =
    policy !== undefined || promotion !== undefined || o.identity !== undefined || o.publicKey !== undefined;
  if (!isAsked) {
    if (o.allowUnverified === true) return { evidence: 'unverified', local: false };
    throw new Fault('PROMOTION_REFUSED', {
      what: `nothing says what an image must prove to come to ${environment.name}`,
      where: image,
      expected: 'a policy',
      next: `set gitops.environments.${environment.name}.policy, or --policy FILE, or --allow-unverified`,
    });
  }
  const verdict = await gateImage({
    ...o,
    reference: image,
    ...(policy !== undefined && { policy }),
    ...(promotion !== undefined && { promotion }),
  });
  if (verdict.decision === 'allow') return { evidence: 'allow', local: !verdict.production };
  throw verdictFault(verdict, image, environment);
}

export function verdictFault(
  verdict: Verdict,
  image: string,
  environment: Pick<Environment, 'name'> & { readonly policy?: string },
): Fault {
  const [component] = verdict.components;
  const reasons = (component?.violations ?? []).map(({ code, message }) => `${code}: ${message}`);
  const actual = component?.trouble?.message ?? reasons.slice(0, 5).join('; ');
  const isTrouble = verdict.decision === 'indeterminate';
  return new Fault(
    isTrouble ? (component?.trouble?.exit === 4 ? 'EVIDENCE_INVALID' : 'NETWORK') : 'PROMOTION_REFUSED',
    {
      what: isTrouble
        ? `the evidence for ${environment.name} could not be judged`
        : `the evidence does not satisfy the policy of ${environment.name}`,
      where: image,
      ...(actual !== '' && { actual }),
      next: `cg explain ${image} --policy ${environment.policy ?? 'policy.yaml'}`,
    },
  );
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

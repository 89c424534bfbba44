import { Fault } from '../ground/fault/fault.ts';
import { open } from '../image/oci/open.ts';
import { formatImageReference, parseImageReference } from '../model/image-reference.ts';
import { type CopiedImage, copyImage } from './copy-image.ts';
import { type EvidenceOptions, requireEvidence } from './gitops/require-evidence.ts';
import { reachRegistries } from './reach-registries.ts';

export interface PromoteInRegistryOptions extends EvidenceOptions {
  readonly image: string;
  /** Another repository; the same without it. */
  readonly target?: string;
  readonly tag?: string;
  readonly plan?: boolean;
}

export interface PromotedInRegistry {
  readonly image: string;
  readonly target: string;
  readonly evidence: 'allow' | 'unverified';
  /** Absent for a plan. */
  readonly copied?: CopiedImage;
}

/** Gives a proven image a tag, or another repository, with all of its evidence; the digest stays what it is. */
export async function promoteInRegistry(o: PromoteInRegistryOptions): Promise<PromotedInRegistry> {
  refuseOverride(o);
  const image = await resolveDigest(o);
  const target = targetOf(o, image);
  const { evidence } = await requireEvidence(image, { name: target, path: '', soak: 0 }, o);
  if (o.plan === true) return { image, target, evidence };
  const copied = await copyImage({ ...o, source: image, target, evidence: true });
  return { image, target, evidence, copied };
}

/** A tag has no history: nothing would tell later that a policy was overruled, so it is not. */
function refuseOverride({ allowUnverified, policy, promotion }: PromoteInRegistryOptions): void {
  if (allowUnverified !== true || (policy === undefined && promotion === undefined)) return;
  throw new Fault('USAGE', {
    what: 'in a registry no commit would record that the policy was overruled',
    expected: 'a policy, or --allow-unverified without one',
    next: 'leave --allow-unverified out, or overrule where it is recorded: cg bump ENVIRONMENT IMAGE@DIGEST',
  });
}

/** A tag is looked up once; what is promoted is the digest that was judged. */
async function resolveDigest(o: PromoteInRegistryOptions): Promise<string> {
  const parsed = parseImageReference(o.image);
  if ('problem' in parsed)
    throw new Fault('REFERENCE_INVALID', { what: parsed.problem, where: o.image.slice(0, 300) });
  const { registry: host, repository, digest } = parsed.value;
  if (digest !== undefined) return `${host}/${repository}@${digest}`;
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const found = await reachRegistries(o, [host], async access => {
    const { registry, reference } = await open(o.image, access, call);
    return await registry.head(reference, call);
  });
  if (found !== undefined) return `${host}/${repository}@${found.digest}`;
  throw new Fault('NOT_FOUND', { what: `there is no image ${o.image}`, where: host });
}

function targetOf({ target, tag }: PromoteInRegistryOptions, image: string): string {
  const text = target ?? image.replace(/@.*$/, '');
  const parsed = parseImageReference(text);
  if ('problem' in parsed)
    throw new Fault('REFERENCE_INVALID', { what: parsed.problem, where: text.slice(0, 300) });
  if (tag === undefined && parsed.value.tag === undefined) {
    if (target === undefined)
      throw new Fault('USAGE', {
        what: 'a promotion inside of one repository needs a tag',
        next: `cg promote ${image.slice(0, 200)} --tag latest`,
      });
    return `${text}@${image.slice(image.indexOf('@') + 1)}`;
  }
  const { tag: own, ...rest } = parsed.value;
  const named = tag ?? own;
  return formatImageReference({ ...rest, ...(named !== undefined && { tag: named }) });
}

import * as z from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import { parseImageReference } from '../../../model/image-reference.ts';
import { timeAt } from '../../../trust/policy/evidence/read.ts';
import type { RecordedItem } from '../../../trust/policy/gate-input.ts';
import { attestationsAmong, evidenceOf, provenBy, signaturesAmong, UnknownEvidence } from './evidence.ts';
import { CosignIdentity, identityOf } from './image-validating-policy.ts';
import { imageLists } from './pods.ts';
import { type Circumstances, matchesGlob, type Rule } from './rule.ts';

const Keyless = z.strictObject({ url: z.string(), identities: z.array(CosignIdentity).min(1) });
const Check = z.strictObject({ type: z.enum(['cue', 'rego']), data: z.string() });
const Attestation = z.strictObject({ name: z.string(), predicateType: z.string(), policy: Check.optional() });

export const ClusterImagePolicy = z.strictObject({
  apiVersion: z.literal('policy.sigstore.dev/v1beta1'),
  kind: z.literal('ClusterImagePolicy'),
  metadata: z.strictObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    mode: z.enum(['warn', 'enforce']),
    images: z.array(z.strictObject({ glob: z.string().min(1) })).min(1),
    authorities: z
      .array(
        z.strictObject({
          name: z.string(),
          signatureFormat: z.literal('bundle').optional(),
          keyless: Keyless,
          ctlog: z.strictObject({ url: z.string() }),
          attestations: z.array(Attestation).optional(),
        }),
      )
      .min(1),
    policy: z.strictObject({ type: z.literal('cue'), data: z.string() }),
  }),
});
export type ClusterImagePolicy = z.infer<typeof ClusterImagePolicy>;

type Authority = ClusterImagePolicy['spec']['authorities'][number];

/** What Sigstore's policy-controller does with a pod: each image in scope must satisfy every authority that the policy names. */
export function openClusterImagePolicy(
  policy: ClusterImagePolicy,
  circumstances: Circumstances,
  file: string,
): Rule {
  const { name } = policy.metadata;
  const { images, authorities, mode } = policy.spec;
  const where = `${file}: ClusterImagePolicy ${name}`;
  requireAll(policy, where);
  const checks = authorities.map(authority => ({ authority, ages: agesOf(authority, where) }));
  const globs = images.map(({ glob }) => glob);
  const inScope = (image: string) => globs.some(glob => matchesGlob(image, glob));
  return {
    file,
    kind: policy.kind,
    name,
    actions: [mode],
    inScope,
    demands: {
      digest: false,
      resolvesTags: true,
      globs,
      identities: authorities.flatMap(({ keyless }) => keyless.identities.map(identityOf)),
      groups: authorities.map(({ keyless }) => keyless.identities.map(identityOf)),
      predicateTypes: [
        ...new Set(
          authorities.flatMap(({ attestations = [] }) => attestations.map(one => one.predicateType)),
        ),
      ],
      maxAgeHours: new Map(checks.flatMap(({ ages }) => [...ages])),
    },
    judge(pod) {
      const looked = imageLists.flatMap(list => pod.images[list]).filter(inScope);
      if (looked.length === 0) return { verdict: 'out-of-scope', reasons: [] };
      try {
        const reasons = looked.flatMap(image => problemsOf(image, checks, circumstances));
        return { verdict: reasons.length === 0 ? 'admitted' : 'refused', reasons: [...new Set(reasons)] };
      } catch (error) {
        if (error instanceof UnknownEvidence) return { verdict: 'unknown', reasons: [error.message] };
        throw error;
      }
    },
  };
}

/** CUE that names every authority and every attestation is all that is simulated; less would let more in. */
function requireAll({ spec: { authorities, policy } }: ClusterImagePolicy, where: string): void {
  const wanted = authorities.map(({ name, attestations = [] }) => {
    const inner = attestations.map(one => `${JSON.stringify(one.name)}: [...]`).join(', ');
    return `${JSON.stringify(name)}: ${attestations.length === 0 ? '{signatures: [...]}' : `{attestations: {${inner}}}`}`;
  });
  if (policy.data.trim() === `authorityMatches: {${wanted.join(', ')}}`) return;
  throw cannotSimulate(policy.data, where);
}

/** The oldest that evidence of a type may be, in hours, as the one form of Rego that is generated says it. */
function agesOf({ attestations = [] }: Authority, where: string): ReadonlyMap<string, number> {
  return new Map(
    attestations.flatMap(({ predicateType, policy }) => {
      if (policy === undefined) return [];
      if (policy.type === 'cue') {
        if (policy.data.trim() === `predicateType: ${JSON.stringify(predicateType)}`) return [];
        throw cannotSimulate(policy.data, where);
      }
      const hours = freshness.exec(policy.data)?.[1];
      if (hours === undefined) throw cannotSimulate(policy.data, where);
      return [[predicateType, Number(hours)] as const];
    }),
  );
}

const freshness =
  /^package sigstore\s+default isCompliant = false\s+isCompliant \{\s+time\.now_ns\(\) - time\.parse_rfc3339_ns\(input\.predicate\.metadata\.scanFinishedOn\) < (\d{1,6}) \* 3600 \* 1000000000\s+\}\s*$/;

function problemsOf(
  image: string,
  checks: readonly { readonly authority: Authority; readonly ages: ReadonlyMap<string, number> }[],
  { evidence, now }: Circumstances,
): string[] {
  if ('problem' in parseImageReference(image)) return [`${image} is no reference`];
  const items = evidenceOf(image, evidence);
  return checks.flatMap(({ authority, ages }) => {
    const proven = provenBy(items, authority.keyless.identities.map(identityOf));
    const { attestations = [] } = authority;
    if (attestations.length === 0)
      return signaturesAmong(proven).length > 0 ? [] : [`no signature for ${authority.name}`];
    return attestations.flatMap(({ name, predicateType }) => {
      const found = attestationsAmong(proven, predicateType);
      if (found.length === 0) return [`no ${name} attestation for ${authority.name}`];
      const hours = ages.get(predicateType);
      const isFresh = hours === undefined || found.some(item => isYoung(item, hours, now));
      return isFresh ? [] : [`the ${name} attestation is older than ${hours} hours`];
    });
  });
}

function isYoung({ statement }: RecordedItem, hours: number, now: Date): boolean {
  const time = timeAt(statement?.predicate, 'metadata', 'scanFinishedOn') ?? Number.NaN;
  return now.getTime() - time < hours * 3_600_000;
}

function cannotSimulate(text: string, where: string): Fault {
  return new Fault('POLICY_UNSUPPORTED', {
    what: `cannot simulate this expression: ${text.trim().slice(0, 300)}`,
    where,
    expected: 'what cg admission generate writes',
    next: 'generate the file again: cg admission generate',
  });
}

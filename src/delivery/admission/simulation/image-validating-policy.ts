import * as z from 'zod';
import { defined } from '../../../model/defined.ts';
import type { IdentityPattern } from '../../../model/identity.ts';
import { parseImageReference } from '../../../model/image-reference.ts';
import type { Statement } from '../../../model/statement.ts';
import { timeAt } from '../../../trust/policy/evidence/read.ts';
import { compileExpression, ExpressionError, type Vocabulary } from './cel.ts';
import { attestationsAmong, evidenceOf, provenBy, signaturesAmong, UnknownEvidence } from './evidence.ts';
import { imageLists, type Pod, withoutEphemeral } from './pods.ts';
import { type Circumstances, matchesGlob, type Rule, type RuleVerdict } from './rule.ts';
import { ResourceRules, sees } from './validating-admission-policy.ts';

export const CosignIdentity = z.strictObject({
  issuer: z.string().optional(),
  issuerRegExp: z.string().optional(),
  subject: z.string().optional(),
  subjectRegExp: z.string().optional(),
});

export const ImageValidatingPolicy = z.strictObject({
  apiVersion: z.literal('policies.kyverno.io/v1'),
  kind: z.literal('ImageValidatingPolicy'),
  metadata: z.strictObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    webhookConfiguration: z.strictObject({ timeoutSeconds: z.number() }),
    failurePolicy: z.literal('Fail'),
    validationActions: z.array(z.enum(['Audit', 'Warn', 'Deny'])).min(1),
    evaluation: z.strictObject({
      admission: z.strictObject({ enabled: z.literal(true) }),
      background: z.strictObject({ enabled: z.literal(true) }),
    }),
    matchConstraints: z.strictObject({ resourceRules: ResourceRules }),
    matchImageReferences: z.array(z.strictObject({ glob: z.string().min(1) })).min(1),
    validationConfigurations: z.strictObject({
      mutateDigest: z.literal(false),
      verifyDigest: z.literal(true),
      required: z.literal(true),
    }),
    attestors: z
      .array(
        z.strictObject({
          name: z.string(),
          cosign: z.strictObject({
            keyless: z.strictObject({ identities: z.array(CosignIdentity).min(1) }),
            ctlog: z.strictObject({ url: z.string() }),
          }),
        }),
      )
      .min(1),
    attestations: z
      .array(z.strictObject({ name: z.string(), intoto: z.strictObject({ type: z.string() }) }))
      .optional(),
    validations: z.array(z.strictObject({ expression: z.string(), message: z.string() })).min(1),
  }),
});
export type ImageValidatingPolicy = z.infer<typeof ImageValidatingPolicy>;

type Attestor = ImageValidatingPolicy['spec']['attestors'][number];

/** What Kyverno does with a pod. Its expressions run as they stand; what they call is answered by our verifier. */
export function openImageValidatingPolicy(
  policy: ImageValidatingPolicy,
  circumstances: Circumstances,
  file: string,
): Rule {
  const { name } = policy.metadata;
  const { attestors, attestations = [], matchImageReferences, matchConstraints, validations } = policy.spec;
  const globs = matchImageReferences.map(({ glob }) => glob);
  const types = new Map(attestations.map(one => [one.name, one.intoto.type]));
  const where = `${file}: ImageValidatingPolicy ${name}`;
  const vocabulary = vocabularyOf(types, attestors, circumstances);
  const compiled = validations.map(one => ({
    holds: compileExpression(one.expression, vocabulary, where),
    message: one.message,
  }));
  const inScope = (image: string) => globs.some(glob => matchesGlob(image, glob));
  const seesEphemeral = sees(matchConstraints.resourceRules, 'pods/ephemeralcontainers');
  return {
    file,
    kind: policy.kind,
    name,
    actions: policy.spec.validationActions,
    inScope,
    demands: {
      digest: policy.spec.validationConfigurations.verifyDigest,
      resolvesTags: false,
      globs,
      identities: attestors.flatMap(identitiesOf),
      groups: attestors.map(identitiesOf),
      predicateTypes: [...types.values()],
      maxAgeHours: new Map(
        validations.flatMap(({ expression }) => {
          const [, attestation, hours] =
            /attestations\.(\w+)\)[^]*duration\('(\d+)h'\)/.exec(expression) ?? [];
          const type = types.get(attestation ?? '');
          return type === undefined ? [] : [[type, Number(hours)] as const];
        }),
      ),
    },
    judge(pod) {
      const images = imagesInScope(seesEphemeral ? pod : withoutEphemeral(pod), inScope);
      const all = imageLists.flatMap(list => images[list]);
      if (all.length === 0) return { verdict: 'out-of-scope', reasons: [] };
      const moving = all.filter(image => !isPinned(image));
      if (moving.length > 0)
        return { verdict: 'refused', reasons: moving.map(image => `${image} has no digest`) };
      const values = {
        images,
        attestors: Object.fromEntries(attestors.map(one => [one.name, one])),
        attestations: Object.fromEntries(attestations.map(one => [one.name, one.name])),
        time: {},
      };
      return judgeExpressions(compiled, values);
    },
  };
}

/** Only images that a glob names are handed to the expressions; a list without any is an empty list. */
function imagesInScope(pod: Pod, inScope: (image: string) => boolean): Pod['images'] {
  const { containers, initContainers, ephemeralContainers } = pod.images;
  return {
    containers: containers.filter(inScope),
    initContainers: initContainers.filter(inScope),
    ephemeralContainers: ephemeralContainers.filter(inScope),
  };
}

function judgeExpressions(
  validations: readonly { holds: (values: Record<string, unknown>) => unknown; message: string }[],
  values: Record<string, unknown>,
): RuleVerdict {
  const reasons: string[] = [];
  for (const { holds, message } of validations) {
    try {
      if (holds(values) !== true) reasons.push(message);
    } catch (error) {
      if (error instanceof UnknownEvidence) return { verdict: 'unknown', reasons: [error.message] };
      if (!(error instanceof ExpressionError)) throw error;
      // failurePolicy: Fail
      reasons.push(`${message} (${error.message})`);
    }
  }
  return { verdict: reasons.length === 0 ? 'admitted' : 'refused', reasons: [...new Set(reasons)] };
}

function vocabularyOf(
  types: ReadonlyMap<string, string>,
  all: readonly Attestor[],
  { evidence, now }: Circumstances,
): Vocabulary {
  const proven = (image: string, attestors: readonly Attestor[]) =>
    attestors.map(one => provenBy(evidenceOf(image, evidence), identitiesOf(one)));
  const typeOf = (name: string) => types.get(name) ?? '';
  return {
    variables: {
      images: 'map<string, list<string>>',
      attestors: 'map<string, dyn>',
      attestations: 'map<string, string>',
      time: 'map',
    },
    functions: {
      'map.now(): google.protobuf.Timestamp': () => now,
      'verifyImageSignatures(string, list<dyn>): int': (image: string, attestors: readonly Attestor[]) =>
        BigInt(proven(image, attestors).filter(items => signaturesAmong(items).length > 0).length),
      'verifyAttestationSignatures(string, string, list<dyn>): int': (
        image: string,
        name: string,
        attestors: readonly Attestor[],
      ) =>
        BigInt(
          proven(image, attestors).filter(items => attestationsAmong(items, typeOf(name)).length > 0).length,
        ),
      'extractPayload(string, string): dyn': (image: string, name: string) => {
        const found = proven(image, all).flatMap(items => attestationsAmong(items, typeOf(name)));
        // Which of several Kyverno reads depends on their order: what is asked must hold for the oldest too.
        const [oldest] = found
          .map(({ statement }) => statement)
          .toSorted((a, b) => finishedOn(a) - finishedOn(b));
        if (oldest === undefined) throw new ExpressionError(`nothing verified says anything about ${name}`);
        return oldest;
      },
    },
  };
}

export function identityOf(one: z.infer<typeof CosignIdentity>): IdentityPattern {
  return defined(one);
}

function identitiesOf({ cosign }: Attestor): readonly IdentityPattern[] {
  return cosign.keyless.identities.map(identityOf);
}

function finishedOn(statement: Statement | undefined): number {
  return timeAt(statement?.predicate, 'metadata', 'scanFinishedOn') ?? 0;
}

function isPinned(image: string): boolean {
  const parsed = parseImageReference(image);
  return 'value' in parsed && parsed.value.digest !== undefined;
}

import * as z from 'zod';
import { compileExpression, type Expression, ExpressionError } from './cel.ts';
import { type Pod, withoutEphemeral } from './pods.ts';
import type { Rule, RuleDemands, RuleVerdict } from './rule.ts';

const Name = z.strictObject({ name: z.string().min(1) });

export const ResourceRules = z
  .array(
    z.strictObject({
      apiGroups: z.tuple([z.literal('')]),
      apiVersions: z.tuple([z.literal('v1')]),
      operations: z.tuple([z.literal('CREATE'), z.literal('UPDATE')]),
      resources: z.array(z.enum(['pods', 'pods/ephemeralcontainers'])).min(1),
    }),
  )
  .length(1);

export const ValidatingAdmissionPolicy = z.strictObject({
  apiVersion: z.literal('admissionregistration.k8s.io/v1'),
  kind: z.literal('ValidatingAdmissionPolicy'),
  metadata: Name,
  spec: z.strictObject({
    failurePolicy: z.literal('Fail'),
    matchConstraints: z.strictObject({ resourceRules: ResourceRules }),
    variables: z.array(z.strictObject({ name: z.string().regex(/^[a-zA-Z_]\w*$/), expression: z.string() })),
    validations: z
      .array(
        z.strictObject({
          expression: z.string(),
          message: z.string().optional(),
          messageExpression: z.string().optional(),
          reason: z.literal('Invalid').optional(),
        }),
      )
      .min(1),
  }),
});
export type ValidatingAdmissionPolicy = z.infer<typeof ValidatingAdmissionPolicy>;

export const ValidatingAdmissionPolicyBinding = z.strictObject({
  apiVersion: z.literal('admissionregistration.k8s.io/v1'),
  kind: z.literal('ValidatingAdmissionPolicyBinding'),
  metadata: Name,
  spec: z.strictObject({
    policyName: z.string(),
    validationActions: z.array(z.enum(['Audit', 'Warn', 'Deny'])).min(1),
    matchResources: z
      .strictObject({
        namespaceSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
      })
      .optional(),
  }),
});
export type ValidatingAdmissionPolicyBinding = z.infer<typeof ValidatingAdmissionPolicyBinding>;

const vocabulary = { variables: { object: 'map', variables: 'map' }, functions: {} };
const demands: RuleDemands = {
  digest: true,
  resolvesTags: false,
  globs: [],
  identities: [],
  groups: [],
  predicateTypes: [],
  maxAgeHours: new Map(),
};

/** What Kubernetes itself does with a pod; the namespace is one that the binding selects. */
export function openValidatingAdmissionPolicy(
  policy: ValidatingAdmissionPolicy,
  { spec: { validationActions: actions } }: ValidatingAdmissionPolicyBinding,
  file: string,
): Rule {
  const { name } = policy.metadata;
  const where = `${file}: ValidatingAdmissionPolicy ${name}`;
  const compile = (text: string) => compileExpression(text, vocabulary, where);
  const variables = policy.spec.variables.map(one => [one.name, compile(one.expression)] as const);
  const validations = policy.spec.validations.map(({ expression, messageExpression, message }) => ({
    holds: compile(expression),
    message: message ?? expression,
    say: messageExpression === undefined ? undefined : compile(messageExpression),
  }));
  const seesEphemeral = sees(policy.spec.matchConstraints.resourceRules, 'pods/ephemeralcontainers');
  return {
    file,
    kind: policy.kind,
    name,
    actions,
    demands,
    inScope: () => true,
    judge: pod => judgePod(seesEphemeral ? pod : withoutEphemeral(pod), variables, validations),
  };
}

export function sees(rules: z.infer<typeof ResourceRules>, resource: string): boolean {
  return rules.some(({ resources }) => resources.some(one => one === resource));
}

interface Validation {
  readonly holds: Expression;
  readonly message: string;
  readonly say: Expression | undefined;
}

function judgePod(
  pod: Pod,
  variables: readonly (readonly [string, Expression])[],
  validations: readonly Validation[],
): RuleVerdict {
  try {
    const known: Record<string, unknown> = {};
    for (const [name, value] of variables) known[name] = value({ object: pod.object, variables: known });
    const values = { object: pod.object, variables: known };
    const reasons = validations
      .filter(({ holds }) => holds(values) !== true)
      .map(({ say, message }) => {
        const said = say?.(values);
        return typeof said === 'string' ? said : message;
      });
    return { verdict: reasons.length === 0 ? 'admitted' : 'refused', reasons };
  } catch (error) {
    // failurePolicy: Fail
    if (error instanceof ExpressionError) return { verdict: 'refused', reasons: [error.message] };
    throw error;
  }
}

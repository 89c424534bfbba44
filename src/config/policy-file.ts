import * as z from 'zod';
import { isMapping, mapping, pattern, text } from './text-types.ts';

const dateForm = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `2026-12-31` or RFC 3339. */
export const date = () =>
  text().refine(value => dateForm.test(value) && !Number.isNaN(Date.parse(value)), {
    error: issue =>
      `"${String(issue.input).slice(0, 80)}" is not a date: write 2026-12-31 or 2026-12-31T00:00:00Z`,
  });

const texts = () => z.array(text(), { error: 'expected a list' });

const Criterion = mapping({
  value: text(),
  effectiveOn: date().optional(),
  effectiveUntil: date().optional(),
  imageRef: text().optional(),
  imageDigest: text()
    .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal places')
    .optional(),
  imageUrl: text()
    .regex(/^[^/]+\/[^:@]+$/, 'expected a repository without a tag, as in registry.example/team/app')
    .optional(),
  componentNames: texts().optional(),
  reference: text().optional(),
}).superRefine((one, context) => {
  const places = (['imageRef', 'imageDigest', 'imageUrl', 'componentNames'] as const).filter(
    key => one[key] !== undefined,
  );
  if (places.length > 1)
    context.addIssue({ code: 'custom', message: `only one of ${places.join(', ')} may be given` });
});

const Lists = { include: texts().optional(), exclude: texts().optional() };

const Source = mapping({
  name: text().optional(),
  policy: texts().min(1, 'expected at least one source of rules'),
  data: texts().optional(),
  ruleData: z.record(z.string(), z.unknown()).optional(),
  config: mapping(Lists).optional(),
  volatileConfig: mapping({
    include: z.array(Criterion).optional(),
    exclude: z.array(Criterion).optional(),
  }).optional(),
});

const Spec = mapping({
  name: text().optional(),
  description: text().optional(),
  publicKey: text().optional(),
  rekorUrl: text().optional(),
  identity: mapping({
    issuer: text().optional(),
    subject: text().optional(),
    issuerRegExp: pattern().optional(),
    subjectRegExp: pattern().optional(),
  }).optional(),
  configuration: mapping({ ...Lists, collections: texts().optional() }).optional(),
  sources: z.array(Source).optional(),
});

/** `policy.yaml`: the promotion policy in the schema of Enterprise Contract, bare or wrapped as a Kubernetes object. */
export const PolicyFile = z.preprocess(unwrapObject, Spec);
export type PolicyFile = z.infer<typeof PolicyFile>;

/** Where a problem stands in the file as it was written. */
export function pathInPolicyFile(path: readonly PropertyKey[], written: unknown): readonly PropertyKey[] {
  return isMapping(written) && isMapping(written['spec']) && 'kind' in written ? ['spec', ...path] : path;
}

function unwrapObject(value: unknown): unknown {
  if (!isMapping(value) || !('kind' in value) || !isMapping(value['spec'])) return value ?? {};
  const { apiVersion: _api, kind: _kind, metadata: _metadata, spec, ...strange } = value;
  return { ...spec, ...strange };
}

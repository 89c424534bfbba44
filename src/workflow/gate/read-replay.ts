import * as z from 'zod';
import { Fault } from '../../ground/fault/fault.ts';
import { problemOfPattern } from '../../model/linear-pattern.ts';
import type { GateInput } from '../../trust/policy/gate-input.ts';
import { readTextFile } from './read-text.ts';

const largestRecord = 512 * 1024 * 1024;

const Texts = z.array(z.string());
const Time = z.string().refine(time => !Number.isNaN(Date.parse(time)), 'expected a time');
const Pattern = z
  .string()
  .refine(text => problemOfPattern(text) === undefined, 'expected a pattern in the syntax of RE2');
const Identity = z.strictObject({
  issuer: z.string().optional(),
  issuerRegExp: Pattern.optional(),
  subject: z.string().optional(),
  subjectRegExp: Pattern.optional(),
  claims: z.record(z.string(), z.string()).optional(),
});
const Criterion = z.looseObject({
  value: z.string(),
  effectiveOn: Time.optional(),
  effectiveUntil: Time.optional(),
  componentNames: Texts.optional(),
});
const Source = z.looseObject({
  policy: Texts,
  data: Texts,
  ruleData: z.record(z.string(), z.unknown()),
  include: Texts,
  exclude: Texts,
  volatileInclude: z.array(Criterion),
  volatileExclude: z.array(Criterion),
});
const Scan = z.strictObject({
  scanners: Texts,
  maxAge: z.number(),
  maxDatabaseAge: z.number(),
  failOn: z.enum(['negligible', 'low', 'medium', 'high', 'critical']),
  fixableOnly: z.boolean(),
});
const Policy = z.strictObject({
  name: z.string().optional(),
  publicKey: z.string().optional(),
  identities: z.array(Identity),
  sources: z.array(Source),
  requirements: z.array(
    z.strictObject({
      type: z.string(),
      by: z.array(Identity),
      quorum: z.number(),
      builders: Texts,
      scan: Scan.optional(),
    }),
  ),
  trust: z.strictObject({ roots: Texts, only: Texts.optional(), allowLocal: z.boolean() }),
  skip: z.strictObject({ signature: z.boolean().optional(), attestation: z.boolean().optional() }).optional(),
});
const Signer = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('key'), keyId: z.string() }),
  z.looseObject({
    kind: z.literal('certificate'),
    issuer: z.string(),
    subject: z.string(),
    claims: z.record(z.string(), z.string()),
  }),
]);
const Item = z.looseObject({
  id: z.string(),
  store: z.string(),
  kind: z.string(),
  verified: z.boolean(),
  trust: z.string().optional(),
  signer: Signer.optional(),
  predicateType: z.string().optional(),
  times: z.array(z.looseObject({})),
  reasons: z.array(z.looseObject({ code: z.string(), message: z.string() })),
  statement: z
    .looseObject({
      _type: z.string(),
      predicateType: z.string(),
      subject: z.array(
        z.looseObject({ name: z.string().optional(), digest: z.record(z.string(), z.string()) }),
      ),
    })
    .optional(),
});
const Component = z.looseObject({
  name: z.string(),
  reference: z.string(),
  repository: z.string(),
  digest: z.string().optional(),
  time: Time.optional(),
  problem: z
    .strictObject({ kind: z.enum(['absent', 'unreachable', 'untrusted']), message: z.string() })
    .optional(),
  source: z.strictObject({ url: z.string(), revision: z.string() }).optional(),
  base: z
    .looseObject({ name: z.string().optional(), digest: z.string().optional(), diffIds: Texts.optional() })
    .optional(),
  items: z.array(Item),
});
const Record = z.strictObject({
  version: z.literal(1),
  time: Time,
  policy: Policy,
  components: z.array(Component),
});

/** Reads what --record wrote. Whoever can write the file decides what it says: a replay explains, and admits nothing. */
export async function readReplay(file: string): Promise<GateInput> {
  const text = await readTextFile(file, largestRecord);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault('FILE_INVALID', { what: `${file} is not JSON`, where: file, cause });
  }
  const parsed = Record.safeParse(value);
  if (parsed.success) return value as GateInput;
  const [issue] = parsed.error.issues;
  throw new Fault('FILE_INVALID', {
    what: `${file} is no record of a verdict: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    where: file,
    expected: 'a file that cg gate --record FILE wrote',
  });
}

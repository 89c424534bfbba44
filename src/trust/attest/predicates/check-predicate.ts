import { z } from 'zod';
import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import { matchesPredicateType, predicateTypes } from '../../../model/statement.ts';

const Time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/, 'a time in UTC that ends in Z');
const AnyUri = z.string().regex(/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/, 'a URI');
const Digests = z
  .record(z.string(), z.string().regex(/^[0-9a-f]+$/, 'lower-case hexadecimal'))
  .refine(digests => Object.keys(digests).length > 0, 'at least one digest');

/** SLSA provenance 1: what the specification demands, and what verifiers trip over. */
const Provenance = z.looseObject({
  buildDefinition: z.looseObject({
    buildType: AnyUri,
    externalParameters: z.looseObject({}),
    internalParameters: z.looseObject({}).optional(),
    resolvedDependencies: z
      .array(z.looseObject({ uri: AnyUri.optional(), digest: Digests, name: z.string().optional() }))
      .optional(),
  }),
  runDetails: z.looseObject({
    builder: z.looseObject({ id: AnyUri }),
    metadata: z
      .looseObject({
        invocationId: z.string().optional(),
        startedOn: Time.optional(),
        finishedOn: Time.optional(),
      })
      .optional(),
  }),
});

const Vulnerabilities = z.looseObject({
  scanner: z.looseObject({ uri: z.string(), result: z.unknown() }),
  metadata: z.looseObject({ scanStartedOn: Time, scanFinishedOn: Time }),
});

const TestResult = z.looseObject({
  result: z.enum(['PASSED', 'WARNED', 'FAILED']),
  configuration: z.array(z.looseObject({})),
});

const Summary = z.looseObject({
  verifier: z.looseObject({ id: AnyUri }),
  timeVerified: Time,
  resourceUri: z.string().min(1),
  policy: z.looseObject({ uri: AnyUri, digest: Digests.optional() }),
  verificationResult: z.enum(['PASSED', 'FAILED']),
  verifiedLevels: z.array(z.string()),
});

const Spdx = z.looseObject({ spdxVersion: z.string().startsWith('SPDX-') });
const CycloneDx = z.looseObject({ bomFormat: z.literal('CycloneDX'), specVersion: z.string() });
const OpenVex = z.looseObject({
  '@context': z.string().startsWith('https://openvex.dev/ns'),
  statements: z.array(z.looseObject({})),
});

const schemas: readonly (readonly [string, z.ZodType])[] = [
  [predicateTypes.slsaprovenance1, Provenance],
  [predicateTypes.vuln, Vulnerabilities],
  [predicateTypes['test-result'], TestResult],
  [predicateTypes.vsa, Summary],
  [predicateTypes.spdx, Spdx],
  [predicateTypes.cyclonedx, CycloneDx],
  [predicateTypes.openvex, OpenVex],
];

/** What is wrong with a predicate of a known type; predicates of other types are taken as they are. */
export function problemsOfPredicate(predicateType: string, predicate: unknown): string[] {
  const schema = schemas.find(([type]) => matchesPredicateType(predicateType, type))?.[1];
  // SPDX 3 is another format under a name of the same family.
  if (schema === undefined || predicateType === `${predicateTypes.spdx}/v3`) return [];
  const { error } = schema.safeParse(predicate);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.') || 'the predicate'}: ${message}`);
}

/** Refuses to sign what a verifier would refuse to read; says everything that is wrong at once. */
export function checkPredicate(predicateType: string, predicate: unknown): void {
  const problems = problemsOfPredicate(predicateType, predicate);
  if (problems.length === 0) return;
  const faults = problems.map(what => new Fault('STATEMENT_INVALID', { what, where: predicateType }));
  const what = `the predicate does not fit its type ${predicateType}`;
  throw new FaultList('STATEMENT_INVALID', { what }, faults);
}

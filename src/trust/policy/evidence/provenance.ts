import type { Attestation } from './accept.ts';
import { at, isObject, listAt, shorten, textAt } from './read.ts';

const slsaPrefix = 'https://slsa.dev/provenance/';
const v1 = 'https://slsa.dev/provenance/v1';
const v02 = 'https://slsa.dev/provenance/v0.2';

/** Something that went into a build, of either version of SLSA provenance. */
export interface Dependency {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
  /** The attestation that speaks of it. */
  readonly evidence: string;
}

export function provenanceOf(attestations: readonly Attestation[]): Attestation[] {
  return attestations.filter(({ statement }) => statement.predicateType.startsWith(slsaPrefix));
}

export function builderOf({ statement }: Attestation): string | undefined {
  const { predicate, predicateType } = statement;
  const id =
    predicateType === v02
      ? textAt(predicate, 'builder', 'id')
      : textAt(predicate, 'runDetails', 'builder', 'id');
  return id === '' ? undefined : id;
}

export function finishedOn({ statement }: Attestation): unknown {
  return (
    at(statement.predicate, 'runDetails', 'metadata', 'finishedOn') ??
    at(statement.predicate, 'metadata', 'buildFinishedOn')
  );
}

export function dependenciesOf(attestation: Attestation): Dependency[] {
  const { predicate, predicateType } = attestation.statement;
  const entries =
    predicateType === v02
      ? listAt(predicate, 'materials')
      : listAt(predicate, 'buildDefinition', 'resolvedDependencies');
  return entries.slice(0, mostDependencies).flatMap(entry => {
    const uri = textAt(entry, 'uri');
    return uri === undefined
      ? []
      : [{ uri, digest: digestsOf(at(entry, 'digest')), evidence: attestation.id }];
  });
}

const mostDependencies = 10_000;

function digestsOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** What is wrong with the statement by the schema of its version (SLSA provenance, "Schema"). */
export function problemsOfProvenance({ statement }: Attestation): string[] {
  const { subject, predicate, predicateType } = statement;
  const problems: string[] = [];
  if (subject.length === 0) problems.push('subject: there is none');
  for (const [index, one] of subject.entries()) {
    if ((one.name ?? '') === '') problems.push(`subject.${index}.name: is missing or empty`);
    problems.push(...problemsOfDigests(one.digest).map(problem => `subject.${index}.digest: ${problem}`));
  }
  if (predicateType === v1) problems.push(...problemsOfV1(predicate));
  else if (predicateType === v02) problems.push(...problemsOfV02(predicate));
  return problems.slice(0, 10);
}

function problemsOfV1(predicate: unknown): string[] {
  const problems: string[] = [];
  if ((textAt(predicate, 'buildDefinition', 'buildType') ?? '') === '')
    problems.push('predicate.buildDefinition.buildType: is missing or empty');
  if (!isObject(at(predicate, 'buildDefinition', 'externalParameters')))
    problems.push('predicate.buildDefinition.externalParameters: is missing or no object');
  const builder = textAt(predicate, 'runDetails', 'builder', 'id');
  if (builder === undefined || !isUri(builder))
    problems.push(
      `predicate.runDetails.builder.id: ${builder === undefined ? 'is missing' : `${shorten(builder, 80)} is no URI`}`,
    );
  for (const name of ['startedOn', 'finishedOn']) {
    const time = at(predicate, 'runDetails', 'metadata', name);
    if (time !== undefined && !isUtc(time))
      problems.push(`predicate.runDetails.metadata.${name}: is no time in UTC that ends in Z`);
  }
  const dependencies = at(predicate, 'buildDefinition', 'resolvedDependencies');
  if (dependencies !== undefined && !Array.isArray(dependencies))
    problems.push('predicate.buildDefinition.resolvedDependencies: is no list');
  return problems;
}

function problemsOfV02(predicate: unknown): string[] {
  const problems: string[] = [];
  if ((textAt(predicate, 'buildType') ?? '') === '')
    problems.push('predicate.buildType: is missing or empty');
  const builder = textAt(predicate, 'builder', 'id');
  if (builder === undefined || !isUri(builder)) problems.push('predicate.builder.id: is missing or no URI');
  const materials = at(predicate, 'materials');
  if (materials !== undefined && !Array.isArray(materials)) problems.push('predicate.materials: is no list');
  return problems;
}

const digestName =
  /^(?:sha(?:1|224|256|384|512|512_224|512_256|3_224|3_256|3_384|3_512)|shake(?:128|256)|blake2[bs]p?|ripemd160|sm3|gost|md5|gitCommit|git(?:Tree|Blob|Tag))$/;

function problemsOfDigests(digest: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(digest);
  if (entries.length === 0) return ['there is none'];
  return entries.flatMap(([name, value]) => [
    ...(digestName.test(name) ? [] : [`${shorten(name, 40)} is no digest that is known`]),
    ...(/^[0-9a-f]+$/.test(value) ? [] : [`${shorten(name, 40)} is not lower-case hexadecimal`]),
  ]);
}

function isUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text);
}

function isUtc(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value);
}

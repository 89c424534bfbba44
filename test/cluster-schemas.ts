import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

type Json = Readonly<Record<string, unknown>>;

const folder = process.env.CG_CRDS ?? join(import.meta.dirname, '../../shared/crds');
export const hasClusterSchemas = existsSync(folder);
/** For the name of a test that looks at nothing where the vendors' schemas do not lie beside the checkout. */
export const needsClusterSchemas = hasClusterSchemas ? '' : ' [needs ../shared/crds]';

let definitions: ReadonlyMap<string, ValidateFunction> | undefined;
let steps: Ajv2020 | undefined;

/** What the vendors' schemas, unknown fields forbidden, and the rules beside them say against an object. */
export function problemsOfObject(object: Json): readonly string[] {
  const validate = schemaOf(object);
  const bySchema = validate === undefined || validate(object) ? [] : describe(validate.errors, object);
  return [...bySchema, ...problemsOfKargo(object)];
}

/** Whether a kind has a schema here at all. */
export function knowsKind(object: Json): boolean {
  return schemaOf(object) !== undefined;
}

/** Each as a file for kubeconform: `GROUP_KIND_VERSION.json`, all in lower case. */
export function writeClusterSchemas(target: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.yaml')) continue;
    const crd = parse(readFileSync(join(folder, file), 'utf8'));
    if (crd?.kind !== 'CustomResourceDefinition') continue;
    for (const { name, schema } of crd.spec.versions)
      writeFileSync(
        join(target, `${crd.spec.group}_${crd.spec.names.kind}_${name}.json`.toLowerCase()),
        JSON.stringify(close(schema.openAPIV3Schema, true)),
      );
  }
}

function schemaOf({ apiVersion, kind }: Json): ValidateFunction | undefined {
  definitions ??= readDefinitions();
  return definitions.get(`${String(apiVersion)} ${String(kind)}`);
}

function readDefinitions(): ReadonlyMap<string, ValidateFunction> {
  const ajv = new Ajv2020({ strict: false, allErrors: true, unicodeRegExp: false, logger: false });
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.yaml'),
  );
  return new Map(
    files.flatMap(file => {
      const crd = parse(readFileSync(join(folder, file), 'utf8'));
      if (crd?.kind !== 'CustomResourceDefinition') return [];
      return crd.spec.versions.map((version: { name: string; schema: { openAPIV3Schema: Json } }) => [
        `${crd.spec.group}/${version.name} ${crd.spec.names.kind}`,
        lazily(() => ajv.compile(close(version.schema.openAPIV3Schema, true) as object)),
      ]);
    }),
  );
}

/** Compiling is slow, and few kinds are asked for. */
function lazily(compile: () => ValidateFunction): ValidateFunction {
  let compiled: ValidateFunction | undefined;
  const validate = (value: unknown) => {
    compiled ??= compile();
    const holds = compiled(value);
    Object.assign(validate, { errors: compiled.errors });
    return holds;
  };
  return validate as unknown as ValidateFunction;
}

/** As an API server with strict validation reads it: objects with properties are closed, what has a default may be left out. */
function close(schema: unknown, isRoot = false): unknown {
  if (Array.isArray(schema)) return schema.map(item => close(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  const source = schema as Record<string, unknown>;
  if (source['x-kubernetes-int-or-string'] === true)
    return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(source)) {
    if (key.startsWith('x-kubernetes-') || key === 'format' || key === 'default') continue;
    result[key] =
      key === 'properties'
        ? Object.fromEntries(Object.entries(value as object).map(([name, inner]) => [name, close(inner)]))
        : key === 'enum' || key === 'required'
          ? value
          : close(value);
  }
  const properties = source['properties'] as Record<string, Record<string, unknown>> | undefined;
  if (properties !== undefined) {
    if (isRoot)
      Object.assign(result['properties'] as object, {
        apiVersion: {},
        kind: {},
        metadata: { type: 'object' },
      });
    const isOpen =
      source['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in source;
    if (!isOpen && source['type'] === 'object') result['additionalProperties'] = false;
    if (Array.isArray(source['required']))
      result['required'] = source['required'].filter(name => !('default' in (properties[name] ?? {})));
  }
  return result;
}

/** What stands in `${{ }}` becomes another type when Kargo evaluates it. */
function describe(errors: readonly ErrorObject[] | null | undefined, value: unknown): string[] {
  return (errors ?? [])
    .filter(({ instancePath }) => !String(at(value, instancePath)).includes('${{'))
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((here, key) => (here as Json | undefined)?.[key.replaceAll('~1', '/')], value);
}

interface KargoSpec {
  readonly promotionPolicies?: readonly Json[];
  readonly subscriptions?: readonly Json[];
  readonly steps?: readonly Step[];
  readonly requestedFreight?: readonly RequestedFreight[];
  readonly promotionTemplate?: { readonly spec: { readonly steps?: readonly Step[] } };
}

interface Step {
  readonly uses?: string;
  readonly task?: object;
  readonly as?: string;
  readonly config?: Json;
}

interface RequestedFreight {
  readonly origin: object;
  readonly sources: {
    readonly direct?: boolean;
    readonly stages?: readonly string[];
    readonly requiredSoakTime?: string;
    readonly autoPromotionOptions?: { readonly selectionPolicy?: string };
  };
}

/** The rules of Kargo that its schemas do not hold. */
function problemsOfKargo(object: Json): readonly string[] {
  if (!String(object['apiVersion']).startsWith('kargo.akuity.io/')) return [];
  const { metadata, spec } = object as { metadata: Json; spec: KargoSpec };
  switch (object['kind']) {
    case 'ProjectConfig':
      return [
        ...(metadata['name'] === metadata['namespace'] ? [] : ['a ProjectConfig is named as its Project']),
        ...(spec.promotionPolicies ?? []).flatMap((policy: Json) =>
          'stage' in policy === 'stageSelector' in policy ? ['exactly one of stage and stageSelector'] : [],
        ),
      ];
    case 'Warehouse':
      return (spec.subscriptions ?? []).flatMap(problemsOfSubscription);
    case 'PromotionTask':
      return problemsOfSteps(spec.steps ?? []);
    case 'Stage':
      return [
        ...problemsOfFreight(spec.requestedFreight ?? []),
        ...problemsOfSteps(spec.promotionTemplate?.spec.steps ?? []),
      ];
    default:
      return [];
  }
}

function problemsOfSubscription(subscription: Json): string[] {
  const [kind = '', ...others] = Object.keys(subscription);
  if (others.length > 0) return ['exactly one of image, git and chart, and no name beside it'];
  const body = subscription[kind] as Json;
  const old = ['allowTags', 'ignoreTags', 'semverConstraint'].filter(key => key in body);
  return [...old.map(key => `${key} is gone`), ...problemsBySchema(`../subscriptions/${kind}.json`, body)];
}

function problemsOfFreight(requested: readonly RequestedFreight[]): string[] {
  const origins = requested.map(({ origin }) => JSON.stringify(origin));
  return [
    ...(new Set(origins).size === origins.length ? [] : ['an origin is requested twice']),
    ...requested.flatMap(({ sources }) => [
      ...(sources.requiredSoakTime === undefined ||
      /^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/.test(sources.requiredSoakTime)
        ? []
        : ['soak is hours, minutes and seconds']),
      ...(sources.autoPromotionOptions?.selectionPolicy === 'MatchUpstream' &&
      (sources.direct === true || sources.stages?.length !== 1)
        ? ['MatchUpstream needs exactly one stage before']
        : []),
    ]),
  ];
}

function problemsOfSteps(all: readonly Step[]): string[] {
  const names = all.flatMap(step => (step.as === undefined ? [] : [step.as]));
  return [
    ...(new Set(names).size === names.length ? [] : ['two steps have one name']),
    ...all.flatMap(step => {
      if ((step.uses === undefined) === (step.task === undefined)) return ['exactly one of uses and task'];
      if (step.task !== undefined)
        return ['if', 'config', 'retry', 'continueOnError']
          .filter(key => key in step)
          .map(key => `a task has no ${key}`);
      return existsSync(join(folder, 'kargo/steps', `${step.uses}-config.json`))
        ? problemsBySchema(`${step.uses}-config.json`, step.config ?? {})
        : [`there is no step ${step.uses}`];
    }),
  ];
}

function problemsBySchema(file: string, value: Json): string[] {
  steps ??= openStepSchemas();
  const validate = steps.getSchema(file) ?? steps.compile({ ...readStep(file), $id: file });
  return validate(value) ? [] : describe(validate.errors, value).map(text => `${file} ${text}`);
}

function openStepSchemas(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    unicodeRegExp: false,
    logger: false,
    validateFormats: false,
  });
  for (const file of ['common.json', 'argocd-common.json']) ajv.addSchema({ ...readStep(file), $id: file });
  return ajv;
}

function readStep(file: string): object {
  const { $schema: _, ...schema } = JSON.parse(readFileSync(join(folder, 'kargo/steps', file), 'utf8'));
  return schema;
}

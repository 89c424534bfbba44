import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type PolicyFile, PolicyFile as PolicySchema, pathInPolicyFile } from '../../config/policy-file.ts';
import { PromotionFile } from '../../config/promotion-file.ts';
import { parseConfig, type ReadConfig } from '../../config/read-config.ts';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import { parseDuration } from '../../model/duration.ts';
import type { IdentityPattern } from '../../model/identity.ts';
import { predicateTypes, resolvePredicateType } from '../../model/statement.ts';
import { problemsOfPolicy } from '../../trust/policy/check-policy.ts';
import {
  type Criterion,
  defaultScanDemand,
  type Policy,
  type PolicySource,
  type Requirement,
  type ScanDemand,
} from '../../trust/policy/policy.ts';
import { readFileOrInline, readTextFile } from './read-text.ts';

export interface PolicyChoice {
  /** A file, or the document itself; without one there is only what the flags say. */
  readonly policy?: string;
  readonly promotion?: string;
  /** An identity on the command line replaces that of the policy, and its key. */
  readonly identity?: IdentityPattern;
  readonly publicKey?: string;
  readonly allowLocalTrust?: boolean;
  readonly skipSignature?: boolean;
  readonly skipAttestation?: boolean;
  /** Added to the rule data of every source, `key=value`. */
  readonly extraRuleData?: readonly string[];
  /** Whatever the files say, the provenance must name the source that is expected. */
  readonly demandSource?: boolean;
  readonly allowUnmatched?: boolean;
  readonly cwd?: string;
}

export interface ReadPolicy {
  readonly policy: Policy;
  readonly children: 'own' | 'inherit';
}

/** Reads both files and everything that the command line adds; whatever is wrong with them is said at once. */
export async function readPolicy(o: PolicyChoice): Promise<ReadPolicy> {
  const promotion = await readPromotion(o);
  const named =
    o.policy ??
    (promotion?.value.extends === undefined ? undefined : extended(promotion.file, promotion.value.extends));
  const file = named === undefined ? undefined : await readPolicyFile(named);
  const spec = file?.value ?? {};
  const own = promotion?.value ?? {};
  const identities = identitiesOf(spec, o);
  const requirements = requirementsOf(own, identities);
  const extra = extraRuleData(o.extraRuleData ?? []);
  const sources = [
    ...(spec.sources ?? []).map(source => sourceOf(source, spec, extra)),
    ...promotionSource(own, requirements, extra),
    ...(o.demandSource === true ? [namedSource('source', ['slsa_source_correlated'])] : []),
  ];
  const publicKey =
    o.identity === undefined ? (o.publicKey ?? placeOfKey(spec.publicKey, o.cwd)) : o.publicKey;
  const policy: Policy = {
    ...defined({ name: spec.name, publicKey }),
    identities: identities.length > 0 || publicKey !== undefined ? identities : everybody(requirements),
    sources,
    requirements,
    trust: {
      roots: [],
      allowLocal: o.allowLocalTrust ?? false,
      ...(own.trust !== undefined && { only: own.trust }),
    },
    ...((o.skipSignature === true || o.skipAttestation === true) && {
      skip: { signature: o.skipSignature ?? false, attestation: o.skipAttestation ?? false },
    }),
  };
  refuseUnknown(policy, file, promotion, spec.sources?.length ?? 0, o);
  requireSomebody(policy, file?.file);
  return { policy, children: own.children ?? 'own' };
}

/** A path in a policy is one from where the command runs, as other tools take it. */
function placeOfKey(key: string | undefined, cwd: string | undefined): string | undefined {
  const isPath =
    key !== undefined && cwd !== undefined && !key.includes('-----BEGIN') && !/^[a-z0-9]+:\/\//.test(key);
  return isPath ? resolve(cwd, key) : key;
}

async function readPromotion(o: PolicyChoice): Promise<ReadConfig<PromotionFile> | undefined> {
  if (o.promotion === undefined) return undefined;
  return parseConfig(o.promotion, await readTextFile(o.promotion), PromotionFile);
}

async function readPolicyFile(given: string): Promise<ReadConfig<PolicyFile>> {
  const { name, text } = await readFileOrInline(given, '--policy');
  return parseConfig(name, text, PolicySchema, { toWritten: pathInPolicyFile });
}

function extended(promotion: string, name: string): string {
  return isAbsolute(name) ? name : join(dirname(promotion), name);
}

function identitiesOf({ identity }: PolicyFile, o: PolicyChoice): IdentityPattern[] {
  if (o.identity !== undefined) return [{ ...defined({ ...identity, ...o.identity }) }];
  if (o.publicKey !== undefined || identity === undefined) return [];
  return [{ ...defined(identity) }];
}

/** Everybody who may vouch for something, each once: an identity that stood there twice would match twice. */
function everybody(requirements: readonly Requirement[]): IdentityPattern[] {
  const all = requirements.flatMap(({ by }) => by);
  return [...new Map(all.map(one => [JSON.stringify(one), one])).values()];
}

function sourceOf(
  source: NonNullable<PolicyFile['sources']>[number],
  { configuration }: PolicyFile,
  extra: Record<string, unknown>,
): PolicySource {
  const own = source.config?.include ?? source.config?.exclude;
  // The older form for all sources holds for those that say nothing themselves.
  const lists = own === undefined ? configuration : source.config;
  const collections = own === undefined ? (configuration?.collections ?? []).map(name => `@${name}`) : [];
  return {
    ...(source.name !== undefined && { name: source.name }),
    policy: source.policy,
    data: source.data ?? [],
    ruleData: { ...source.ruleData, ...extra },
    include: [...(lists?.include ?? []), ...collections],
    exclude: lists?.exclude ?? [],
    volatileInclude: (source.volatileConfig?.include ?? []).map(toCriterion),
    volatileExclude: (source.volatileConfig?.exclude ?? []).map(toCriterion),
  };
}

function toCriterion({
  imageRef,
  ...one
}: { imageRef?: string | undefined; value: string } & Record<string, unknown>): Criterion {
  return defined({
    ...one,
    ...(imageRef !== undefined && { imageDigest: imageRef }),
  }) as unknown as Criterion;
}

function requirementsOf(
  { require = [], identities = {} }: PromotionFile,
  fallback: readonly IdentityPattern[],
): Requirement[] {
  return require.map(one => {
    const by = (one.by ?? []).flatMap(name => toIdentity(identities[name]));
    const type = one.type === 'image-signature' ? one.type : resolvePredicateType(one.type);
    return {
      type,
      by: by.length > 0 ? by : fallback,
      quorum: Number(one.quorum ?? 1),
      builders: one.builders ?? [],
      ...(type === predicateTypes.vuln && { scan: toDemand(one) }),
    };
  });
}

function toIdentity(one: NonNullable<PromotionFile['identities']>[string] | undefined): IdentityPattern[] {
  if (one === undefined) return [];
  const { oids, ...rest } = one;
  return [{ ...defined(rest), ...(oids !== undefined && { claims: oids }) }];
}

function toDemand(one: NonNullable<PromotionFile['require']>[number]): ScanDemand {
  const time = (text: string | undefined, fallback: number) => {
    const parsed = text === undefined ? { value: fallback } : parseDuration(text);
    return 'value' in parsed ? parsed.value : fallback;
  };
  return {
    scanners: one.scanners ?? defaultScanDemand.scanners,
    maxAge: time(one.maxAge, defaultScanDemand.maxAge),
    maxDatabaseAge: time(one.maxDatabaseAge, defaultScanDemand.maxDatabaseAge),
    failOn: one.failOn ?? defaultScanDemand.failOn,
    fixableOnly: one.fixableOnly ?? defaultScanDemand.fixableOnly,
  };
}

/** A requirement asks for the rules that look at it; the file can name more. */
function promotionSource(
  own: PromotionFile,
  requirements: readonly Requirement[],
  extra: Record<string, unknown>,
): PolicySource[] {
  const asked = requirements.flatMap(({ builders, scan }) => [
    ...(builders.length > 0 ? ['provenance.builder_trusted'] : []),
    ...(scan === undefined
      ? []
      : ['vuln.threshold', 'vuln.scan_fresh', ...(scan.scanners.length > 0 ? ['vuln.both_scanners'] : [])]),
  ]);
  const include = [
    ...new Set([
      ...(own.include ?? []),
      ...(requirements.length > 0 ? ['evidence.required_types'] : []),
      ...asked,
    ]),
  ];
  if (include.length === 0) return [];
  const ruleData = { ...own.ruleData, ...extra };
  return [{ ...namedSource('promotion', include), ruleData, exclude: own.exclude ?? [] }];
}

function namedSource(name: string, include: readonly string[]): PolicySource {
  const none = { policy: [], data: [], exclude: [], volatileInclude: [], volatileExclude: [] };
  return { name, include, ruleData: {}, ...none };
}

/** Keys that would be taken for something else than data stay out. */
function extraRuleData(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)] as const;
      throw new Fault('USAGE', {
        what: '--extra-rule-data takes KEY=VALUE',
        actual: pair.slice(0, 100),
        expected: 'allowed_builder_ids=https://…',
      });
    }),
  );
}

function refuseUnknown(
  policy: Policy,
  file: ReadConfig<PolicyFile> | undefined,
  promotion: ReadConfig<PromotionFile> | undefined,
  inPolicy: number,
  o: PolicyChoice,
): void {
  const problems = problemsOfPolicy(policy, o);
  if (problems.length === 0) return;
  const faults = problems.map(({ source, path, message }) => {
    const read = source < inPolicy ? file : promotion;
    const written =
      source < inPolicy ? pathInPolicyFile(['sources', source, ...path], read?.yaml.value) : path.slice(1);
    const place = read?.yaml.locate(written) ?? { line: 1, column: 1 };
    return new Fault('POLICY_UNSUPPORTED', {
      what: message,
      where: `${read?.file ?? 'policy'}:${place.line}:${place.column}`,
    });
  });
  const [only] = faults;
  if (faults.length === 1 && only !== undefined) throw only;
  throw new FaultList(
    'POLICY_UNSUPPORTED',
    { what: `${faults.length} things in the policy that cg does not have` },
    faults,
  );
}

/** Anybody can sign: a policy that expects nobody in particular would accept everybody. */
function requireSomebody({ identities, publicKey }: Policy, where: string | undefined): void {
  if (publicKey !== undefined) return;
  const at = where === undefined ? {} : { where };
  const [first] = identities;
  if (first === undefined || (first.issuer ?? first.issuerRegExp) === undefined) {
    throw new Fault('USAGE', {
      what: 'certificate OIDC issuer must be provided for keyless workflow',
      ...at,
      expected:
        'identity.issuer and identity.subject in the policy, or --certificate-oidc-issuer and --certificate-identity',
      next: 'cg gate --help',
    });
  }
  if ((first.subject ?? first.subjectRegExp) === undefined) {
    throw new Fault('USAGE', {
      what: 'certificate identity must be provided for keyless workflow',
      ...at,
      expected: 'identity.subject in the policy, or --certificate-identity',
      next: 'cg gate --help',
    });
  }
}

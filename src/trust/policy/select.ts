import type { ComponentEvidence } from './gate-input.ts';
import type { Criterion, PolicySource } from './policy.ts';

/** The part of a rule that names in include and exclude lists speak of. */
export interface RuleName {
  /** `pkg.rule`. */
  readonly code: string;
  readonly collections: readonly string[];
}

/** The lists of one source as they hold for one image at one time. */
export interface Selection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export function selectionFor(source: PolicySource, component: ComponentEvidence, time: number): Selection {
  const active = (criteria: readonly Criterion[]) =>
    criteria.filter(one => isInForce(one, time) && isAbout(one, component)).map(({ value }) => value);
  const include = [...active(source.volatileInclude), ...source.include];
  return {
    include: include.length === 0 ? ['*'] : include,
    exclude: [...active(source.volatileExclude), ...source.exclude],
  };
}

/** Kept when the entries that include it weigh more than those that exclude it. */
export function isSelected(
  rule: RuleName,
  terms: readonly string[],
  { include, exclude }: Selection,
): boolean {
  const matchers = matchersOf(rule, terms);
  const weigh = (entries: readonly string[]) =>
    entries.filter(entry => matchers.has(entry)).reduce((sum, entry) => sum + scoreOf(entry), 0);
  return weigh(include) > weigh(exclude);
}

/** Whether somebody asked for this rule by a name, its package or its collection, and not only for everything. */
export function isAskedFor(rule: RuleName, { include }: Selection): boolean {
  const matchers = matchersOf(rule, []);
  return include.some(entry => entry !== '*' && matchers.has(entry));
}

export function packageOf(code: string): string {
  return code.slice(0, code.lastIndexOf('.'));
}

/** The name in an entry of a list, without its term. */
export function nameIn(entry: string): string {
  const colon = entry.indexOf(':');
  return colon === -1 ? entry : entry.slice(0, colon);
}

/** Both ends count, an absent one is open. */
export function isInForce({ effectiveOn, effectiveUntil }: Criterion, time: number): boolean {
  return (
    (effectiveOn === undefined || Date.parse(effectiveOn) <= time) &&
    (effectiveUntil === undefined || time <= Date.parse(effectiveUntil))
  );
}

export function isExpired({ effectiveUntil }: Criterion, time: number): boolean {
  return effectiveUntil !== undefined && time > Date.parse(effectiveUntil);
}

export function isAbout(
  { imageDigest, imageUrl, componentNames }: Criterion,
  { name, digest, repository }: ComponentEvidence,
): boolean {
  if (imageDigest !== undefined) return imageDigest === digest;
  if (imageUrl !== undefined) return imageUrl === repository;
  if (componentNames === undefined) return true;
  return componentNames.includes(name) || componentNames.includes(withoutPlatform(name));
}

/** A platform of an index is called `app-sha256:<hex>-arm64`; entries for `app` are about it as well. */
function withoutPlatform(name: string): string {
  return name.replace(/-sha256:[0-9a-f]{64}-[a-z0-9]+$/, '');
}

function matchersOf({ code, collections }: RuleName, terms: readonly string[]): Set<string> {
  const [pkg = '', rule = ''] = code.split('.').slice(-2);
  const names = [pkg, `${pkg}.*`, `${pkg}.${rule}`];
  return new Set([
    '*',
    ...names,
    ...terms.flatMap(term => names.map(name => `${name}:${term}`)),
    ...collections.map(collection => `@${collection}`),
  ]);
}

function scoreOf(entry: string): number {
  if (entry === '*') return 1;
  if (entry.startsWith('@')) return 10;
  const name = nameIn(entry);
  const term = name === entry ? 0 : 100;
  const isRule = name.includes('.') && !name.endsWith('.*');
  return (isRule ? 110 : 10) + term;
}

import type { Claim, Disagreement, FindingPackage } from '../../../model/finding.ts';
import { isSystemType } from '../../advisories/feeds.ts';
import type { Heard } from '../engine.ts';
import { fanOut } from './clusters.ts';
import { packageKeyOf } from './package-key.ts';

interface Draft {
  readonly id: string;
  readonly pkg: FindingPackage;
  readonly claims: readonly Claim[];
}

/** How the engines differ about a finding, and why; undefined when only one was heard at all. */
export function disagreementOf(
  draft: Draft,
  names: readonly string[],
  heard: readonly Heard[],
): Disagreement | undefined {
  if (heard.length < 2) return undefined;
  const engines = new Set(draft.claims.map(({ engine }) => engine));
  const silent = heard.filter(({ engine }) => !engines.has(engine));
  if (silent.length > 0) {
    const kind =
      engines.size === 1
        ? `only:${[...engines].join(',')}`
        : `without:${silent.map(({ engine }) => engine).join(',')}`;
    return { kind, reason: reasonOf(draft, names, silent, heard) };
  }
  const kind = differenceOf(draft.claims);
  return { kind, reason: kind === 'both' ? 'they agree' : 'each engine has it from its own source' };
}

function differenceOf(claims: readonly Claim[]): string {
  const differ = (of: (claim: Claim) => string): boolean => new Set(claims.map(of)).size > 1;
  if (differ(({ severity }) => severity)) return 'severity-differs';
  if (differ(({ fixedIn }) => fixedIn.toSorted().join(','))) return 'fix-differs';
  return differ(({ status }) => status) ? 'status-differs' : 'both';
}

/** The first that holds, in this order. */
function reasonOf(
  draft: Draft,
  names: readonly string[],
  silent: readonly Heard[],
  heard: readonly Heard[],
): string {
  const { pkg, claims } = draft;
  const key = packageKeyOf(pkg);
  const isIgnored = silent.some(({ report }) =>
    report.ignored
      .flatMap(fanOut)
      .some(
        each => packageKeyOf(each.pkg) === key && [each.id, ...each.aliases].some(id => names.includes(id)),
      ),
  );
  if (isIgnored) return 'ignored-by-rule';
  if (isKernelHeaders(pkg)) return 'kernel-header-rule';
  if (pkg.ownedBy !== undefined && !isSystemType(pkg.type)) return 'owned-by-os';
  if (claims.every(({ matchType }) => matchType === 'cpe')) return 'cpe-match';
  if (silent.some(({ report }) => report.packages !== undefined && !hasPackage(report.packages, key))) {
    return 'no-package-in-other';
  }
  if (silent.some(({ report }) => report.findings.some(each => names.includes(each.id))))
    return 'fixed-per-other';
  return olderData(draft, silent, heard) ?? 'unknown';
}

function hasPackage(packages: readonly string[], key: string): boolean {
  return packages.some(each => {
    const [type = '', name = '', version = ''] = each.split('|');
    return packageKeyOf({ type, name, version }) === key;
  });
}

/** The advisory was published after the other engine's data were built. */
function olderData({ claims }: Draft, silent: readonly Heard[], heard: readonly Heard[]): string | undefined {
  const ids = new Set(claims.map(({ id }) => id));
  const published = heard
    .flatMap(({ report }) => report.findings)
    .filter(({ id }) => ids.has(id))
    .flatMap(({ published }) => (published === undefined ? [] : [Date.parse(published)]))
    .find(time => !Number.isNaN(time));
  if (published === undefined) return undefined;
  const built = Math.min(...silent.map(({ report }) => Date.parse(report.db.builtAt)));
  return published > built ? `db-older(${Math.ceil((published - built) / 3_600_000)}h)` : undefined;
}

/** Headers carry no code of the kernel, although they come from its source package. */
export function isKernelHeaders({
  type,
  name,
  source,
}: Pick<FindingPackage, 'type' | 'name' | 'source'>): boolean {
  if (type === 'deb')
    return name === 'linux-libc-dev' || (source?.name === 'linux' && name.startsWith('linux-headers-'));
  return type === 'rpm' && /^kernel-(?:headers|uek-headers)$/.test(name);
}

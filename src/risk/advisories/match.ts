import type { FixStatus } from '../../model/finding.ts';
import type { Distribution, Inventory, Package } from '../../model/inventory.ts';
import type { Severity } from '../../model/severity.ts';
import { compareVersions } from '../versions/compare.ts';
import { findAffected } from './affected.ts';
import { type FeedQuery, feedOf, isSystemType, queryOf, schemes } from './feeds.ts';
import type { AdvisoryIndex, IndexedAdvisory, IndexedVulnerability } from './index/open-index.ts';

/** An advisory that holds for a package. */
export interface Match {
  readonly vulnerability: IndexedVulnerability;
  readonly severity: Severity;
  readonly severitySource?: string;
  readonly status: FixStatus;
  readonly fixedIn: readonly string[];
  readonly bundles: readonly string[];
  readonly matchType: 'exact' | 'indirect';
}

/** What was looked up once is remembered up to here: a thousand images share most packages. */
const mostKnown = 1_000_000;

/** Looks packages up in one index. */
export class Matcher {
  readonly #index: AdvisoryIndex;
  /** By what stays the same in one image, then by package, then by version. */
  readonly #contexts = new Map<string, MatchContext>();
  #size = 0;

  constructor(index: AdvisoryIndex) {
    this.#index = index;
  }

  /** Every package with what is wrong with it; packages without anything are left out. */
  matchInventory({ packages, distribution }: Inventory): { found: Package; matches: readonly Match[] }[] {
    const context = this.#contextOf(distribution);
    const results: { found: Package; matches: readonly Match[] }[] = [];
    for (const found of packages) {
      const matches = this.#match(found, context);
      if (matches.length > 0) results.push({ found, matches });
    }
    return results;
  }

  #contextOf(distribution: Distribution | undefined): MatchContext {
    if (this.#size > mostKnown) {
      this.#contexts.clear();
      this.#size = 0;
    }
    const key = JSON.stringify([
      distribution?.id,
      distribution?.versionId,
      distribution?.stream,
      distribution?.contentSets,
    ]);
    let context = this.#contexts.get(key);
    if (context === undefined)
      this.#contexts.set(key, (context = new MatchContext(this.#index, distribution)));
    return context;
  }

  #match(found: Package, context: MatchContext): readonly Match[] {
    const query = queryOf(found, context.distribution);
    if (query === undefined) return [];
    const known = context.knownOf(query, found.module);
    // Of one version there can be several kinds: other architectures, other module streams, found directly or not.
    const kind = found.type === 'rpm' ? `${query.version}|${found.arch}|${found.module}` : query.version;
    const key = query.package === found.name || !isSystemType(found.type) ? kind : `${kind}|indirect`;
    let matches = known.matches.get(key);
    if (matches === undefined) {
      known.advisories ??= context.advisoriesFor(query.feed, query.package, found);
      matches = foldSame(
        known.advisories.flatMap(advisory => matchOne(advisory, query.version, found)),
        found,
      );
      known.matches.set(key, matches);
      this.#size++;
    }
    return matches;
  }
}

/** What is known of one package in one kind of image. */
interface KnownPackage {
  advisories?: readonly IndexedAdvisory[];
  readonly matches: Map<string, readonly Match[]>;
}

/** The feeds that an image needs, with how many packages each; `undefined` is for packages of an unknown system. */
export function countFeeds({ packages, distribution }: Inventory): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { type } of packages) {
    const feed = feedOf(type, distribution) ?? `${type} of an unknown distribution`;
    counts.set(feed, (counts.get(feed) ?? 0) + 1);
  }
  return counts;
}

/** Red Hat's advisories of all releases lie under one name and say which products they are for. */
export function hasFeed(index: AdvisoryIndex, feed: string): boolean {
  return index.has(feed) || (feed.startsWith('redhat:') && index.has('redhat'));
}

class MatchContext {
  readonly distribution: Distribution | undefined;
  readonly #index: AdvisoryIndex;
  readonly #products: ReadonlySet<number>;
  readonly #known = new Map<string, Map<string, KnownPackage>>();

  constructor(index: AdvisoryIndex, distribution: Distribution | undefined) {
    this.#index = index;
    this.distribution = distribution;
    const repositories = repositoriesOf(distribution);
    this.#products = index.productsOf(repositories);
  }

  /** Red Hat keeps the advisories of a module stream apart. */
  knownOf(query: FeedQuery, module: string | undefined): KnownPackage {
    let feed = this.#known.get(query.feed);
    if (feed === undefined) this.#known.set(query.feed, (feed = new Map<string, KnownPackage>()));
    const name = module === undefined ? query.package : `${query.package}|${module}`;
    let known = feed.get(name);
    if (known === undefined) feed.set(name, (known = { matches: new Map() }));
    return known;
  }

  advisoriesFor(feed: string, name: string, found: Package): readonly IndexedAdvisory[] {
    const own = this.#index.find(feed, name);
    if (!feed.startsWith('redhat:')) return own;
    const stream = found.module?.split(':').slice(0, 2).join(':');
    const shared = this.#index.find('redhat', stream === undefined ? name : `${stream}::${name}`);
    return [
      ...own,
      ...shared.filter(({ products }) => products.some(product => this.#products.has(product))),
    ];
  }
}

/** The enabled repositories; without build information the two that every installation has. */
function repositoriesOf(distribution: Distribution | undefined): readonly string[] {
  if (distribution === undefined || !/^(?:rhel|centos)$/.test(distribution.id)) return [];
  if (distribution.contentSets !== undefined && distribution.contentSets.length > 0) {
    return distribution.contentSets.map(name => name.replace(/__\d+$/, ''));
  }
  const major = Number(distribution.versionId?.split('.')[0]);
  return major >= 8
    ? [`rhel-${major}-for-x86_64-baseos-rpms`, `rhel-${major}-for-x86_64-appstream-rpms`]
    : [`rhel-${major}-server-rpms`, `rhel-${major}-server-extras-rpms`];
}

function matchOne(advisory: IndexedAdvisory, version: string, found: Package): Match[] {
  if (advisory.status === 'not_affected' || !fitsArch(advisory, found) || !fitsModule(advisory, found))
    return [];
  const scheme = schemes[found.type];
  const range = findAffected(version, advisory, scheme);
  if (range === undefined) return [];
  const fixedIn = range.fixed === undefined ? laterStarts(advisory, version, found) : [range.fixed];
  const { vulnerability } = advisory;
  const severity = advisory.severity ?? vulnerability.severity;
  const severitySource = advisory.severity === undefined ? vulnerability.severitySource : advisory.source;
  return [
    {
      vulnerability,
      severity,
      status: fixedIn.length > 0 ? 'fixed' : advisory.status === 'fixed' ? 'affected' : advisory.status,
      fixedIn,
      bundles: advisory.bundles,
      matchType: found.source !== undefined && found.source.name !== found.name ? 'indirect' : 'exact',
      ...(severitySource !== undefined && { severitySource }),
    },
  ];
}

/** Where versions are told to be safe by themselves, the first of them above the installed one is the fix. */
function laterStarts({ unaffected }: IndexedAdvisory, version: string, { type }: Package): readonly string[] {
  const starts = unaffected.flatMap(({ introduced }) => (introduced === undefined ? [] : [introduced]));
  return starts.filter(start => compareVersions(schemes[type], start, version) > 0);
}

function fitsArch({ arches }: IndexedAdvisory, { arch }: Package): boolean {
  return arches.length === 0 || arch === undefined || arch === 'noarch' || arches.includes(arch);
}

/** `nodejs:18:8060020220523160029:ad008a3a` is stream nodejs:18. */
function fitsModule({ module }: IndexedAdvisory, found: Package): boolean {
  return module === undefined || module === found.module?.split(':').slice(0, 2).join(':');
}

/** Several advisories for one vulnerability are one match: any that holds counts, and the fix is the highest. */
function foldSame(matches: readonly Match[], { type }: Package): readonly Match[] {
  const folded = new Map<string, Match>();
  for (const match of matches) {
    const known = folded.get(match.vulnerability.id);
    folded.set(match.vulnerability.id, known === undefined ? match : fold(known, match, type));
  }
  return [...folded.values()];
}

function fold(a: Match, b: Match, type: Package['type']): Match {
  const [x, y] = [a.fixedIn[0], b.fixedIn[0]];
  const isSecondHigher = x === undefined || (y !== undefined && compareVersions(schemes[type], y, x) > 0);
  const best = y !== undefined && isSecondHigher ? b : a;
  return { ...best, bundles: [...new Set([...a.bundles, ...b.bundles])].sort() };
}

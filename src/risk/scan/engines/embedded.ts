import type { DatabaseIdentity } from '../../../model/finding.ts';
import type { Package } from '../../../model/inventory.ts';
import { packageKey, packageName } from '../../../model/inventory.ts';
import { isSystemType } from '../../advisories/feeds.ts';
import type { AdvisoryIndex } from '../../advisories/index/open-index.ts';
import { countFeeds, hasFeed, type Match, Matcher } from '../../advisories/match.ts';
import {
  EngineFailure,
  type EngineFinding,
  type EngineReport,
  type ScanEngine,
  type ScanTarget,
} from '../engine.ts';

/** Our own matching of our own inventory, against an index of advisories. */
export class EmbeddedEngine implements ScanEngine {
  readonly id = 'embedded';
  readonly #index: AdvisoryIndex;
  readonly #db: DatabaseIdentity;
  readonly #version: string;
  readonly #matcher: Matcher;

  constructor(index: AdvisoryIndex, db: DatabaseIdentity, version: string) {
    this.#index = index;
    this.#db = db;
    this.#version = version;
    this.#matcher = new Matcher(index);
  }

  async scan({ inventory }: ScanTarget): Promise<EngineReport> {
    const feeds = [...countFeeds(inventory).keys()];
    const withoutFeed = feeds.filter(feed => !hasFeed(this.#index, feed)).sort();
    const known = {
      version: this.#version,
      lineage: this.#index.description.lineage,
      db: this.#db,
      packages: inventory.packages.map(packageKey),
      withoutFeed,
    };
    const unread = inventory.problems.find(({ cataloguer }) => /^(?:apk|dpkg|deb|rpm)/.test(cataloguer));
    if (unread !== undefined) {
      throw new EngineFailure('bad-report', `${unread.path} could not be read: ${unread.message}`, known);
    }
    if (feeds.length === 0)
      throw new EngineFailure('no-coverage', 'the image has no package that it knows', known);
    const lost = withoutFeed.filter(feed => isSystemFeed(feed));
    if (lost.length > 0 || withoutFeed.length === feeds.length) {
      const names = (lost.length > 0 ? lost : withoutFeed).join(', ');
      throw new EngineFailure('no-coverage', `its advisories hold nothing about ${names}`, known);
    }
    const findings: EngineFinding[] = [];
    for (const { found, matches } of this.#matcher.matchInventory(inventory)) {
      for (const match of matches) findings.push(this.#toFinding(found, match));
    }
    return { ...known, findings, ignored: [] };
  }

  close(): void {
    this.#index.close();
  }

  #toFinding(found: Package, match: Match): EngineFinding {
    const { vulnerability } = match;
    const { cvss = [], title, published, kev } = this.#index.details(vulnerability);
    return {
      id: vulnerability.id,
      aliases: vulnerability.aliases,
      bundles: match.bundles,
      pkg: {
        type: found.type,
        name: packageName(found),
        version: found.version,
        purl: found.purl,
        paths: [found.path],
        ...(found.source !== undefined && { source: found.source }),
      },
      severity: match.severity,
      cvss,
      status: match.status,
      fixedIn: match.fixedIn,
      matchType: match.matchType,
      ...(match.severitySource !== undefined && { severitySource: match.severitySource }),
      ...(title !== undefined && { title }),
      ...(published !== undefined && { published }),
      ...(kev !== undefined && { kev: { dateAdded: kev } }),
    };
  }
}

function isSystemFeed(feed: string): boolean {
  return (
    feed.includes(':') ||
    isSystemType(feed.split(' ')[0] ?? '') ||
    /^(?:wolfi|chainguard|minimos)$/.test(feed)
  );
}

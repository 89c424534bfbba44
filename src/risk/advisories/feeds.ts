import type { Distribution, Package, PackageType } from '../../model/inventory.ts';
import { packageName } from '../../model/inventory.ts';
import type { VersionScheme } from '../versions/compare.ts';

export const schemes: Readonly<Record<PackageType, VersionScheme>> = {
  deb: 'deb',
  apk: 'apk',
  rpm: 'rpm',
  npm: 'semver',
  pypi: 'pep440',
  golang: 'go',
  maven: 'maven',
  gem: 'gem',
};

export function isSystemType(type: string): boolean {
  return type === 'deb' || type === 'apk' || type === 'rpm';
}

/** What to ask an index about a package, and which version to compare. */
export interface FeedQuery {
  readonly feed: string;
  readonly package: string;
  readonly version: string;
}

/** Undefined for a package of an operating system that nobody named. */
export function queryOf(found: Package, distribution: Distribution | undefined): FeedQuery | undefined {
  const feed = feedOf(found.type, distribution);
  if (feed === undefined) return undefined;
  if (!isSystemType(found.type)) {
    return { feed, package: normaliseName(feed, packageName(found)), version: found.version };
  }
  // Advisories of rpm distributions speak of the binary package, all others of the source or origin.
  const bySource = found.type !== 'rpm' || /^(?:photon|mariner|azure):/.test(feed);
  const named = bySource ? (found.source ?? found) : found;
  return { feed, package: named.name, version: named.version };
}

/** The names of the feeds; both importers translate to these. */
export function feedOf(type: PackageType, distribution: Distribution | undefined): string | undefined {
  if (!isSystemType(type)) return type;
  if (distribution === undefined) return undefined;
  const { id, versionId = '', stream } = distribution;
  const major = versionId.split('.')[0] ?? '';
  const minor = versionId.split('.').slice(0, 2).join('.');
  switch (id) {
    case 'alpine':
      return `alpine:${(stream ?? minor).replace(/^v/, '')}`;
    case 'debian':
      return `debian:${major}`;
    case 'ubuntu':
      return `ubuntu:${versionId}`;
    case 'wolfi':
    case 'chainguard':
    case 'minimos':
      return id;
    case 'rhel':
    case 'centos':
      return `redhat:${major}`;
    case 'almalinux':
    case 'rocky':
      return `${id}:${major}`;
    case 'ol':
      return `oracle:${major}`;
    case 'amzn':
      return `amazon:${major}`;
    case 'sles':
      return `sles:${versionId}`;
    case 'opensuse-leap':
    case 'opensuse-tumbleweed':
      return id === 'opensuse-tumbleweed' ? id : `opensuse:${versionId}`;
    case 'photon':
      return `photon:${minor}`;
    case 'mariner':
      return `mariner:${minor}`;
    case 'azurelinux':
      return `azure:${minor}`;
    default:
      return `${id}:${versionId}`;
  }
}

/** Names that mean the same package in one ecosystem: PEP 503 for Python, `group:artifact` for Maven. */
export function normaliseName(feed: string, name: string): string {
  if (feed === 'pypi') return name.toLowerCase().replace(/[-_.]+/g, '-');
  if (feed === 'maven') return name.replace('/', ':');
  return name;
}

const osvLanguages: Readonly<Record<string, string>> = {
  npm: 'npm',
  pypi: 'pypi',
  go: 'golang',
  maven: 'maven',
  rubygems: 'gem',
  'crates.io': 'cargo',
  packagist: 'composer',
  nuget: 'nuget',
};

/** The feed of an ecosystem as the OSV schema writes it: `Debian:12`, `Alpine:v3.20`, `Red Hat:enterprise_linux:9::baseos`. */
export function feedOfOsv(ecosystem: string): string | undefined {
  const [name = '', ...rest] = ecosystem.split(':');
  const release = rest[0] ?? '';
  const language = osvLanguages[name.toLowerCase()];
  if (language !== undefined) return language;
  switch (name) {
    case 'Debian':
      return release === '' ? undefined : `debian:${release}`;
    case 'Alpine':
      return release === '' ? undefined : `alpine:${release.replace(/^v/, '')}`;
    case 'Ubuntu':
      // Ubuntu:Pro needs a subscription; its fixes are not in the plain archive.
      return /^\d/.test(release) ? `ubuntu:${release}` : undefined;
    case 'AlmaLinux':
      return release === '' ? undefined : `almalinux:${release}`;
    case 'Rocky Linux':
      return release === '' ? undefined : `rocky:${release}`;
    case 'Red Hat': {
      const major = /^enterprise_linux:(\d+)/.exec(rest.join(':'))?.[1];
      return major === undefined ? undefined : `redhat:${major}`;
    }
    case 'Wolfi':
    case 'Chainguard':
    case 'MinimOS':
      return name.toLowerCase();
    case 'Photon OS':
      return `photon:${release}`;
    case 'Azure Linux':
      return `azure:${release.includes('.') ? release : `${release}.0`}`;
    case 'openSUSE':
      return release.startsWith('Leap ') ? `opensuse:${release.slice(5)}` : 'opensuse-tumbleweed';
    case 'SUSE': {
      const match = /^Linux Enterprise (?:Server|Module for Basesystem) (\d+)(?: SP(\d+))?/.exec(release);
      return match === null ? undefined : `sles:${match[1]}${match[2] === undefined ? '' : `.${match[2]}`}`;
    }
    default:
      return undefined;
  }
}

const trivyLanguages: Readonly<Record<string, string>> = {
  npm: 'npm',
  pip: 'pypi',
  go: 'golang',
  maven: 'maven',
  rubygems: 'gem',
  cargo: 'cargo',
  composer: 'composer',
  nuget: 'nuget',
};

const trivySystems: readonly (readonly [RegExp, (release: string) => string])[] = [
  [/^alpine (.+)$/, release => `alpine:${release}`],
  [/^debian (\d+)$/, release => `debian:${release}`],
  [/^ubuntu ([\d.]+)$/, release => `ubuntu:${release}`],
  [/^(wolfi|chainguard|minimos)$/, name => name],
  [/^alma (\d+)$/, release => `almalinux:${release}`],
  [/^rocky (\d+)$/, release => `rocky:${release}`],
  [/^Oracle Linux (\d+)$/, release => `oracle:${release}`],
  [/^amazon linux (\d+)$/, release => `amazon:${release}`],
  [/^SUSE Linux Enterprise ([\d.]+)$/, release => `sles:${release}`],
  [/^openSUSE Leap ([\d.]+)$/, release => `opensuse:${release}`],
  [/^(openSUSE) Tumbleweed$/, () => 'opensuse-tumbleweed'],
  [/^Photon OS ([\d.]+)$/, release => `photon:${release}`],
  [/^CBL-Mariner ([\d.]+)$/, release => `mariner:${release}`],
  [/^Azure Linux ([\d.]+)$/, release => `azure:${release}`],
];

/** The feed of a bucket of Trivy's database; Red Hat's one bucket is for all releases. */
export function feedOfBucket(bucket: string): string | undefined {
  const [prefix, source] = bucket.split('::', 2);
  if (source !== undefined) return trivyLanguages[prefix ?? ''];
  if (bucket === 'Red Hat') return 'redhat';
  for (const [pattern, toFeed] of trivySystems) {
    const match = pattern.exec(bucket);
    if (match !== null) return toFeed(match[1] ?? '');
  }
  return undefined;
}

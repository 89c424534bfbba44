import type { Distribution, Package, PackageType } from '../../../model/inventory.ts';
import { type PackageUrl, parsePackageUrl } from '../../../model/package-url.ts';
import { fromFamily } from './families.ts';

const types: ReadonlySet<string> = new Set<PackageType>([
  'deb',
  'apk',
  'rpm',
  'npm',
  'pypi',
  'golang',
  'maven',
  'gem',
]);

/** What other tools say beside the purl. */
export interface PackageHints {
  readonly path: string;
  readonly foundBy: string;
  readonly licenses?: readonly string[];
  readonly supplier?: string;
  readonly source?: { readonly name: string; readonly version: string };
  readonly module?: string;
  readonly layer?: NonNullable<Package['layer']>;
}

/** A package as its purl tells it; undefined for types that no cataloguer of ours has. */
export function packageFromUrl(text: string, hints: PackageHints): Package | undefined {
  const url = parsePackageUrl(text);
  if (url === undefined || !types.has(url.type)) return undefined;
  const type = url.type as PackageType;
  const isSystem = type === 'deb' || type === 'apk' || type === 'rpm';
  const { source: told, ...rest } = hints;
  const arch = url.qualifiers.get('arch');
  const module = hints.module ?? url.qualifiers.get('rpmmod');
  const version = versionOf(url, type);
  const source = told ?? sourceOf(url, type, version);
  const differs = source !== undefined && (source.name !== url.name || source.version !== version);
  return {
    type,
    ...(!isSystem && url.namespace !== undefined && { namespace: url.namespace }),
    name: type === 'pypi' ? url.name.toLowerCase().replace(/[-_.]+/g, '-') : url.name,
    version,
    purl: text,
    ...rest,
    ...(arch !== undefined && isSystem && { arch }),
    ...(module !== undefined && { module }),
    ...(isSystem && differs && { source }),
  };
}

/** An epoch among the qualifiers belongs to the version, but for the zero that means none. */
function versionOf({ version = '', qualifiers }: PackageUrl, type: PackageType): string {
  const epoch = qualifiers.get('epoch');
  const isEpochal = (type === 'rpm' || type === 'deb') && epoch !== undefined && epoch !== '0';
  if (isEpochal && !/^\d+:/.test(version)) return `${epoch}:${version}`;
  // Go's own library is named `go1.22` by some and `1.22` by others.
  return type === 'golang' ? version.replace(/^go(?=\d)/, '') : version;
}

function sourceOf({ qualifiers, name }: PackageUrl, type: PackageType, version: string): Package['source'] {
  const upstream = qualifiers.get('upstream');
  if (upstream === undefined) return undefined;
  const file = type === 'rpm' ? /^(.+)-([^-]+-[^-]+)\.[^.]+\.rpm$/.exec(upstream) : null;
  if (file?.[1] !== undefined && file[2] !== undefined) return { name: file[1], version: file[2] };
  const at = upstream.lastIndexOf('@');
  if (at > 0) return { name: upstream.slice(0, at), version: upstream.slice(at + 1) };
  return upstream === '' || upstream === name ? undefined : { name: upstream, version };
}

/** `debian-12`, for documents that have no entry for the operating system. */
export function distributionFromUrls(packages: readonly Package[]): Distribution | undefined {
  for (const { purl } of packages) {
    const distro = parsePackageUrl(purl)?.qualifiers.get('distro');
    const match = /^([a-z][a-z_.-]*?)-?(\d[\w.]*)?$/.exec(distro ?? '');
    if (match?.[1] !== undefined)
      return { id: fromFamily(match[1]), ...(match[2] !== undefined && { versionId: match[2] }) };
  }
  return undefined;
}

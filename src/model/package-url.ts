import type { Distribution, Package } from './inventory.ts';

export interface PackageUrl {
  readonly type: string;
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
  readonly qualifiers: ReadonlyMap<string, string>;
  readonly subpath?: string;
}

/** Reads a package URL (ECMA-427); undefined when it is none. */
export function parsePackageUrl(text: string): PackageUrl | undefined {
  const match = /^pkg:\/*([a-zA-Z][a-zA-Z0-9.+-]*)\/([^?#]+)(?:\?([^#]*))?(?:#(.*))?$/.exec(text);
  if (match === null || text.length > 8192) return undefined;
  const [, type = '', body = '', query = '', subpath] = match;
  try {
    const { path, version } = splitVersion(body.replace(/^\/+|\/+$/g, ''));
    const parts = path.split('/').filter(part => part !== '');
    const name = decodeURIComponent(parts.pop() ?? '');
    if (name === '') return undefined;
    const namespace = parts.map(decodeURIComponent).join('/');
    return {
      type: type.toLowerCase(),
      name,
      qualifiers: readQualifiers(query),
      ...(namespace !== '' && { namespace }),
      ...(version !== '' && { version: decodeURIComponent(version) }),
      ...(subpath !== undefined && subpath !== '' && { subpath: decodeURIComponent(subpath) }),
    };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function splitVersion(body: string): { path: string; version: string } {
  const at = body.lastIndexOf('@');
  // An @ in front of a name is a scope that somebody forgot to encode.
  if (at <= 0 || body[at - 1] === '/') return { path: body, version: '' };
  return { path: body.slice(0, at), version: body.slice(at + 1) };
}

function readQualifiers(query: string): Map<string, string> {
  const pairs = query.split('&').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    if (equals <= 0 || equals === pair.length - 1) return [];
    return [[pair.slice(0, equals).toLowerCase(), decodeURIComponent(pair.slice(equals + 1))]];
  });
  return new Map(pairs);
}

/** The one spelling: qualifiers in the order of their names, everything encoded that need be. */
export function formatPackageUrl(url: PackageUrl): string {
  const namespace = url.namespace?.split('/').filter(Boolean).map(encode).join('/');
  const version = url.version === undefined || url.version === '' ? '' : `@${encode(url.version)}`;
  const qualifiers = [...url.qualifiers]
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`)
    .join('&');
  const path = namespace ? `${namespace}/${encode(url.name)}` : encode(url.name);
  return `pkg:${url.type}/${path}${version}${qualifiers === '' ? '' : `?${qualifiers}`}`;
}

/** Only letters, digits, `.-_~` and the colon stand for themselves. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}

/** The distributions whose vendor is named otherwise than they name themselves. */
const vendors: Readonly<Record<string, string>> = {
  rhel: 'redhat',
  ol: 'oracle',
  amzn: 'amazon',
  sles: 'suse',
  'opensuse-leap': 'opensuse',
  'opensuse-tumbleweed': 'opensuse',
};

/** The package URL of what was found in an image of the distribution. */
export function packageUrlOf(
  found: Omit<Package, 'purl' | 'path' | 'foundBy'>,
  distribution?: Distribution,
): string {
  const isSystem = found.type === 'deb' || found.type === 'apk' || found.type === 'rpm';
  if (!isSystem) {
    const { type, namespace, name, version } = found;
    return formatPackageUrl({ type, name, version, qualifiers: new Map(), ...(namespace && { namespace }) });
  }
  const { epoch, version } = splitEpoch(found);
  const vendor = distribution === undefined ? undefined : (vendors[distribution.id] ?? distribution.id);
  return formatPackageUrl({
    type: found.type,
    name: found.name,
    version,
    qualifiers: new Map([
      ['arch', found.arch ?? ''],
      ['distro', distroOf(distribution)],
      ['epoch', epoch],
      ['rpmmod', found.module ?? ''],
      ['upstream', upstreamOf(found)],
    ]),
    ...(vendor !== undefined && { namespace: vendor }),
  });
}

/** rpm has the epoch among the qualifiers; deb has it in the version (purl-types, "deb" and "rpm"). */
function splitEpoch({ type, version }: Pick<Package, 'type' | 'version'>): {
  epoch: string;
  version: string;
} {
  const match = type === 'rpm' ? /^(\d+):(.*)$/.exec(version) : null;
  return { epoch: match?.[1] ?? '', version: match?.[2] ?? version };
}

function distroOf(distribution: Distribution | undefined): string {
  if (distribution === undefined) return '';
  const { id, versionId } = distribution;
  return versionId === undefined ? id : `${id}-${versionId}`;
}

function upstreamOf({
  type,
  name,
  version,
  source,
}: Pick<Package, 'type' | 'name' | 'version' | 'source'>): string {
  if (source === undefined) return '';
  if (type === 'rpm') return `${source.name}-${source.version}.src.rpm`;
  if (source.version === version) return source.name === name ? '' : source.name;
  return `${source.name}@${source.version}`;
}

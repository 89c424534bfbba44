import { parsePackageUrl } from '../../../model/package-url.ts';
import type { EnginePackage } from '../engine.ts';

/** `type|name|version`, written the one way that every engine's spelling comes down to. */
export function packageKeyOf({
  type,
  name,
  version,
}: Pick<EnginePackage, 'type' | 'name' | 'version'>): string {
  return `${type}|${normaliseName(type, name)}|${normaliseVersion(type, version)}`;
}

export function normaliseName(type: string, name: string): string {
  if (type === 'pypi') return name.toLowerCase().replace(/[-_.]+/g, '-');
  if (type === 'maven') return name.replace(':', '/');
  return name;
}

export function normaliseVersion(type: string, version: string): string {
  if (type === 'golang') return version.replace(/^(?:v|go)(?=\d)/, '');
  if (type === 'rpm' || type === 'deb') return version.replace(/^0:/, '');
  return version;
}

/** What an engine says of a package, in our words: its purl decides, its own words are for what has none. */
export function toEnginePackage(o: {
  readonly purl: string | undefined;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly paths: readonly string[];
  readonly source?: { readonly name: string; readonly version: string };
}): EnginePackage {
  const url = o.purl === undefined ? undefined : parsePackageUrl(o.purl);
  const type = url?.type ?? o.type;
  const version = withEpoch(url?.version ?? o.version, url?.qualifiers.get('epoch'));
  return {
    type,
    name: url === undefined ? o.name : nameOf(type, url.namespace, url.name),
    version,
    purl: o.purl ?? '',
    paths: o.paths,
    ...(o.source !== undefined && { source: o.source }),
  };
}

/** The distribution comes from the image; only in languages is the namespace part of the name. */
function nameOf(type: string, namespace: string | undefined, name: string): string {
  return namespace === undefined || /^(?:deb|apk|rpm|alpm)$/.test(type) ? name : `${namespace}/${name}`;
}

function withEpoch(version: string, epoch: string | undefined): string {
  return epoch === undefined || epoch === '0' || /^\d+:/.test(version) ? version : `${epoch}:${version}`;
}

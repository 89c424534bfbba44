import type { EnginePackage } from '../engine.ts';

export interface ParsedPurl {
  readonly type: string;
  readonly namespace?: string;
  readonly name: string;
  readonly version?: string;
  readonly qualifiers: Readonly<Record<string, string>>;
}

/** Reads a package URL; undefined for what is none. Two of them are compared by their parts, never as texts. */
export function parsePurl(text: string): ParsedPurl | undefined {
  const match = /^pkg:\/*([A-Za-z][A-Za-z0-9.+-]*)\/([^?#]*)(?:\?([^#]*))?(?:#.*)?$/.exec(text.slice(0, 4_000));
  if (match === null) return undefined;
  const [, type = '', rest = '', query = ''] = match;
  // The version begins at the last @ that is not the scope of a name.
  const at = rest.lastIndexOf('@');
  const hasVersion = at > rest.lastIndexOf('/');
  const path = (hasVersion && at > 0 ? rest.slice(0, at) : rest).split('/').filter(part => part !== '').map(decode);
  const name = path.pop();
  if (name === undefined) return undefined;
  const version = hasVersion && at > 0 ? decode(rest.slice(at + 1)) : undefined;
  return {
    type: type.toLowerCase(),
    name,
    qualifiers: readQualifiers(query),
    ...(path.length > 0 && { namespace: path.join('/') }),
    ...(version !== undefined && { version }),
  };
}

function readQualifiers(query: string): Record<string, string> {
  const pairs = query.split('&').flatMap(part => {
    const equals = part.indexOf('=');
    return equals > 0 ? [[part.slice(0, equals).toLowerCase(), decode(part.slice(equals + 1))] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `type|name` and version, written the one way that every engine's spelling comes down to. */
export function normalisePackage({ type, name, version }: Pick<EnginePackage, 'type' | 'name' | 'version'>): {
  readonly type: string;
  readonly name: string;
  readonly version: string;
} {
  return { type, name: normaliseName(type, name), version: normaliseVersion(type, version) };
}

export function packageKeyOf(pkg: Pick<EnginePackage, 'type' | 'name' | 'version'>): string {
  const { type, name, version } = normalisePackage(pkg);
  return `${type}|${name}|${version}`;
}

function normaliseName(type: string, name: string): string {
  if (type === 'pypi') return name.toLowerCase().replace(/[-_.]+/g, '-');
  if (type === 'maven') return name.replace(':', '/');
  return name;
}

function normaliseVersion(type: string, version: string): string {
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
  const purl = o.purl === undefined ? undefined : parsePurl(o.purl);
  const type = purl?.type ?? o.type;
  const isSystem = type === 'deb' || type === 'apk' || type === 'rpm' || type === 'alpm';
  const name =
    purl === undefined ? o.name : isSystem || purl.namespace === undefined ? purl.name : `${purl.namespace}/${purl.name}`;
  const epoch = purl?.qualifiers['epoch'];
  const version = purl?.version ?? o.version;
  const whole = epoch !== undefined && epoch !== '0' && !/^\d+:/.test(version) ? `${epoch}:${version}` : version;
  return {
    type,
    name,
    version: whole,
    purl: o.purl ?? '',
    paths: o.paths,
    ...(o.source !== undefined && { source: o.source }),
  };
}

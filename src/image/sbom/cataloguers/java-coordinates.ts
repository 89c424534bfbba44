import type { FoundPackage } from '../cataloguer.ts';
import { lines } from '../readers/stanzas.ts';

type Coordinates = Pick<FoundPackage, 'namespace' | 'name' | 'version'>;

/** What a jar says of itself, best witness first. */
export interface JarFacts {
  readonly fileName: string;
  /** One for each pom.properties; a shaded jar has several. */
  readonly properties: readonly ReadonlyMap<string, string>[];
  readonly manifest: ReadonlyMap<string, string>;
}

/** pom.properties, then the manifest, then the name of the file. */
export function coordinatesOf(facts: JarFacts): Coordinates[] {
  const told = facts.properties.flatMap(toCoordinates);
  const byName = fromFileName(facts.fileName);
  // Where none of those inside is the jar itself, the jar is one more package.
  const isNamed = told.some(({ name }) => byName === undefined || facts.fileName.startsWith(name));
  if (told.length > 0 && isNamed) return told;
  const own = fromManifest(facts.manifest, byName) ?? byName;
  const isNew = own !== undefined && !told.some(({ name }) => name === own.name);
  return isNew && (told.length === 0 || own.namespace !== undefined) ? [...told, own] : told;
}

/** java.util.Properties, as far as Maven writes it. */
export function readProperties(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines(text)) {
    const match = /^\s*(groupId|artifactId|version)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) found.set(match[1] ?? '', match[2] ?? '');
  }
  return found;
}

/** The main section of a manifest: lines of at most 72 bytes go on in the next one after a blank. */
export function readManifest(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines(text)) {
    if (line === '') break;
    const colon = line.indexOf(':');
    if (line.startsWith(' ')) {
      if (last !== undefined) found.set(last, `${found.get(last)}${line.slice(1)}`);
    } else if (colon > 0) {
      last = line.slice(0, colon).toLowerCase();
      found.set(last, line.slice(colon + 1).trim());
    }
  }
  return found;
}

function toCoordinates(properties: ReadonlyMap<string, string>): Coordinates[] {
  const [group, name, version] = ['groupId', 'artifactId', 'version'].map(key => properties.get(key) ?? '');
  if (!name || !version || version.includes('${')) return [];
  return [{ ...(group && { namespace: group }), name, version }];
}

function fromManifest(
  manifest: ReadonlyMap<string, string>,
  byName: Coordinates | undefined,
): Coordinates | undefined {
  const first = (...keys: string[]): string | undefined =>
    keys.map(key => manifest.get(key)?.split(';')[0]?.trim()).find(value => value && !value.includes('${'));
  const version =
    byName?.version || first('implementation-version', 'bundle-version', 'specification-version');
  const symbolic = first('bundle-symbolicname');
  const name = byName?.name || first('implementation-title') || symbolic;
  if (!name || !version || /\s/.test(name)) return undefined;
  const group = first('implementation-vendor-id') ?? groupOf(symbolic, name);
  return { ...(group && { namespace: group }), name, version };
}

/** `org.apache.commons.lang3` with the artifact `lang3`: what stands in front is the group, if anything. */
function groupOf(symbolic: string | undefined, name: string): string | undefined {
  if (symbolic === undefined || !symbolic.endsWith(`.${name}`)) return undefined;
  return symbolic.slice(0, -name.length - 1);
}

/** `commons-lang3-3.12.0.jar`. */
function fromFileName(fileName: string): Coordinates | undefined {
  const match = /^(.+?)-(\d[^/]*)\.[a-z]+$/i.exec(fileName);
  if (match?.[1] !== undefined && match[2] !== undefined) return { name: match[1], version: match[2] };
  const name = fileName.replace(/\.[a-z]+$/i, '');
  return name === '' ? undefined : { name, version: '' };
}

import type { Distribution } from '../../../model/inventory.ts';
import type { Cataloguer, FileFindings } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { lines } from '../readers/stanzas.ts';

const largest = 256 * 1024;

/** Which file says what; the order in which they are believed is the squash's business. */
const readersByPath: readonly [RegExp, (text: string) => Partial<Distribution>][] = [
  [/(?:^|\/)[^/]*os-release[^/]*$/, readOsRelease],
  [
    /(?:^|\/)etc\/alpine-release$/,
    text => ({ id: 'alpine', ...versionOf(text, /^(\d+\.\d+\.\d+|\d+\.\d+)/) }),
  ],
  [/(?:^|\/)etc\/debian_version$/, text => ({ id: 'debian', ...versionOf(text, /^(\d+(?:\.\d+)?)/) })],
  [/(?:^|\/)etc\/(?:centos|redhat|rocky|almalinux|oracle)-release$/, readRedHatRelease],
  [/(?:^|\/)etc\/apk\/repositories$/, readStream],
  [/(?:^|\/)(?:root\/buildinfo|usr\/share\/buildinfo)\/content_manifests?\/?[^/]*\.json$/, readContentSets],
];

/** Which distribution an image is made of. */
export const osRelease: Cataloguer = {
  id: 'os-release',
  open(file) {
    const read = readersByPath.find(([pattern]) => pattern.test(file.path))?.[1];
    if (read === undefined || (file.size === 0 && file.path.endsWith('release'))) return undefined;
    return captureWhole(file, largest, bytes => toFindings(read(bytes.toString('utf8'))));
  },
};

function toFindings(distribution: Partial<Distribution>): FileFindings {
  return Object.keys(distribution).length === 0 ? {} : { distribution };
}

/** os-release(5): shell assignments, with or without quotes. */
export function readOsRelease(text: string): Partial<Distribution> {
  const values = new Map<string, string>();
  for (const line of lines(text)) {
    const match = /^\s*([A-Z0-9_]+)=(.*)$/.exec(line);
    if (match !== null) values.set(match[1] ?? '', unquote((match[2] ?? '').trim()));
  }
  const id = values.get('ID')?.toLowerCase();
  if (!id) return {};
  const versionId = values.get('VERSION_ID');
  const like = values
    .get('ID_LIKE')
    ?.split(/\s+/)
    .filter(word => word !== '');
  const name = values.get('PRETTY_NAME') ?? values.get('NAME');
  const codename = values.get('VERSION_CODENAME') ?? /\(([a-z]+)\)/.exec(values.get('VERSION') ?? '')?.[1];
  return {
    id,
    ...(versionId && { versionId }),
    ...(like !== undefined && like.length > 0 && { idLike: like }),
    ...(name && { name }),
    ...(codename && { codename }),
  };
}

function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted === null ? value : (quoted[2] ?? '').replace(/\\(["'$`\\])/g, '$1');
}

function versionOf(text: string, pattern: RegExp): { versionId?: string } {
  const versionId = pattern.exec(text.trim())?.[1];
  return versionId === undefined ? {} : { versionId };
}

const redHatFamily: readonly [RegExp, string][] = [
  [/^red hat/i, 'rhel'],
  [/^centos/i, 'centos'],
  [/^rocky/i, 'rocky'],
  [/^almalinux/i, 'almalinux'],
  [/^oracle/i, 'ol'],
  [/^fedora/i, 'fedora'],
];

/** `CentOS release 6.10 (Final)`: the only thing that releases before os-release say. */
function readRedHatRelease(text: string): Partial<Distribution> {
  const id = redHatFamily.find(([pattern]) => pattern.test(text.trim()))?.[1];
  const versionId = /release (\d+(?:\.\d+)*)/i.exec(text)?.[1];
  return id === undefined ? {} : { id, ...(versionId !== undefined && { versionId }) };
}

/** The newest stream wins when several are named; edge is newer than every release. */
function readStream(text: string): Partial<Distribution> {
  const streams: string[] = [];
  for (const line of lines(text)) {
    const found = /^\s*[^#\s].*\/(edge|v\d+\.\d+)\//.exec(line)?.[1];
    if (found !== undefined) streams.push(found);
  }
  if (streams.includes('edge')) return { stream: 'edge' };
  const newest = streams.sort((a, b) => streamNumber(b) - streamNumber(a))[0];
  return newest === undefined ? {} : { stream: newest };
}

function streamNumber(stream: string): number {
  const [major = 0, minor = 0] = stream.slice(1).split('.').map(Number);
  return major * 1000 + minor;
}

function readContentSets(text: string): Partial<Distribution> {
  try {
    const { content_sets: sets } = JSON.parse(text) as { content_sets?: unknown };
    const names = Array.isArray(sets) ? sets.filter(name => typeof name === 'string') : [];
    return names.length === 0 ? {} : { contentSets: names.sort() };
  } catch {
    return {};
  }
}

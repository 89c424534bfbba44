import type { Cataloguer, FoundPackage } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';

const largest = 4 * 1024 * 1024;

/** Installed packages only: what lies deeper inside of one are its fixtures and templates. */
const installed = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/;

export const npm: Cataloguer = {
  id: 'npm',
  open(file) {
    if (!file.path.endsWith('/package.json') || !installed.test(file.path)) return undefined;
    return captureWhole(file, largest, bytes => {
      const found = readPackageJson(bytes.toString('utf8'));
      return found === undefined ? {} : { packages: [found] };
    });
  },
};

export function readPackageJson(text: string): FoundPackage | undefined {
  const value = parse(text);
  const { name, version } = value;
  if (typeof name !== 'string' || typeof version !== 'string' || name === '' || version === '')
    return undefined;
  const scoped = /^(@[^/]+)\/(.+)$/.exec(name);
  const licenses = readLicences(value);
  return {
    type: 'npm',
    ...(scoped?.[1] !== undefined && { namespace: scoped[1] }),
    name: scoped?.[2] ?? name,
    version,
    ...(licenses.length > 0 && { licenses }),
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw refuse('no JSON object');
}

/** `license` is a text or, in old packages, an object; `licenses` is a list of those. */
function readLicences({ license, licenses }: Readonly<Record<string, unknown>>): string[] {
  const all = [license, ...(Array.isArray(licenses) ? licenses : [])];
  return all.flatMap(one => {
    const name: unknown = typeof one === 'object' && one !== null && 'type' in one ? one.type : one;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

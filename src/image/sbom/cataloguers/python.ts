import type { Cataloguer, FoundPackage } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';
import { readStanzas } from '../readers/stanzas.ts';

const largest = 16 * 1024 * 1024;
const wanted = new Set(['name', 'version', 'license', 'license-expression', 'author', 'author-email']);
const metadata = /\.(?:dist-info\/METADATA|egg-info\/PKG-INFO|egg-info)$|(?:^|\/)EGG-INFO\/PKG-INFO$/;

/** Installed distributions (PyPA, "Recording installed projects", and the eggs before it). */
export const python: Cataloguer = {
  id: 'python',
  open(file) {
    if (!metadata.test(file.path)) return undefined;
    return captureWhole(file, largest, bytes => ({ packages: [readMetadata(bytes.toString('utf8'))] }));
  },
};

export function readMetadata(text: string): FoundPackage {
  // What follows the first empty line is the description.
  const fields = readStanzas(text, wanted).next().value ?? new Map<string, string>();
  const name = fields.get('name');
  const version = fields.get('version');
  if (!name || !version) throw refuse('no metadata of a Python distribution: it lacks Name or Version');
  const licence = fields.get('license-expression') ?? fields.get('license');
  const supplier = fields.get('author') || fields.get('author-email');
  return {
    type: 'pypi',
    name: normaliseName(name),
    version,
    ...(isLicence(licence) && { licenses: [licence] }),
    ...(supplier && { supplier }),
  };
}

/** PEP 503. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Old packages put the whole text of their licence here. */
function isLicence(text: string | undefined): text is string {
  return (
    text !== undefined && text !== '' && text !== 'UNKNOWN' && text.length <= 200 && !text.includes('\n')
  );
}

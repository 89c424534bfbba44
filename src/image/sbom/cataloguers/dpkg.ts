import type { Cataloguer, FileFindings, FoundPackage } from '../cataloguer.ts';
import { tellsOfPackages } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';
import { lines, readStanzas } from '../readers/stanzas.ts';

const largest = 128 * 1024 * 1024;
const wanted = new Set(['package', 'status', 'version', 'architecture', 'source', 'maintainer']);

/** Debian's package database: one file, or a folder of files in distroless images. */
export const dpkg: Cataloguer = {
  id: 'dpkg',
  open(file) {
    if (/(?:^|\/)var\/lib\/dpkg\/status$|(?:^|\/)usr\/lib\/opkg\/status$/.test(file.path)) {
      return captureWhole(file, largest, bytes => ({
        database: true,
        packages: readStatus(bytes.toString('utf8')),
      }));
    }
    if (/(?:^|\/)var\/lib\/dpkg\/status\.d\/[^/]+$/.test(file.path)) {
      if (file.path.endsWith('.md5sums'))
        return captureWhole(file, largest, bytes => readSums(file.path, bytes));
      return captureWhole(file, largest, bytes => ({ packages: readStatus(bytes.toString('utf8')) }));
    }
    const list = /(?:^|\/)var\/lib\/dpkg\/info\/([^/:]+)(?::[^/]+)?\.list$/.exec(file.path)?.[1];
    if (list === undefined) return undefined;
    return captureWhole(file, largest, bytes => toOwned(list, bytes.toString('utf8'), line => line.slice(1)));
  },
};

/** States in which the files of a package are on the disk, whole or in part. */
const absent = new Set(['not-installed', 'config-files']);

export function readStatus(text: string): FoundPackage[] {
  const found: FoundPackage[] = [];
  let isDatabase = text.trim() === '';
  for (const fields of readStanzas(text, wanted)) {
    const name = fields.get('package');
    if (name === undefined) continue;
    isDatabase = true;
    const state = fields.get('status')?.split(/\s+/)[2];
    const version = fields.get('version');
    if (version === undefined || version === '' || (state !== undefined && absent.has(state))) continue;
    found.push(toPackage(name, version, fields));
  }
  if (!isDatabase) throw refuse('no package database of dpkg');
  return found;
}

function toPackage(name: string, version: string, fields: ReadonlyMap<string, string>): FoundPackage {
  const arch = fields.get('architecture');
  const supplier = fields.get('maintainer');
  const source = readSource(fields.get('source'), name, version);
  return {
    type: 'deb',
    name,
    version,
    ...(arch && { arch }),
    ...(source !== undefined && { source }),
    ...(supplier && { supplier }),
  };
}

/** `glibc (2.36-9)`; without parentheses the version is that of the package. */
function readSource(text: string | undefined, name: string, version: string): FoundPackage['source'] {
  const match = /^(\S+)(?:\s+\(([^)\s]+)\))?/.exec(text ?? '');
  const source = { name: match?.[1] ?? name, version: match?.[2] ?? version };
  return source.name === name && source.version === version ? undefined : source;
}

function readSums(path: string, bytes: Buffer): FileFindings {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.md5sums'.length);
  return toOwned(name, bytes.toString('utf8'), line => line.replace(/^[0-9a-f]{32}\s+/, ''));
}

function toOwned(name: string, text: string, toPath: (line: string) => string): FileFindings {
  const paths: string[] = [];
  for (const line of lines(text)) {
    const path = toPath(line);
    if (tellsOfPackages(path)) paths.push(path);
  }
  return paths.length === 0 ? {} : { owned: { name, paths } };
}

import { Fault } from '../../../ground/fault/fault.ts';
import type { Cataloguer, FileFindings, FoundPackage } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';
import { listZip, readZipEntry, type ZipEntry } from '../readers/zip.ts';
import { coordinatesOf, type JarFacts, readManifest, readProperties } from './java-coordinates.ts';

const largestArchive = 160 * 1024 * 1024;
const largestText = 1024 * 1024;
const deepest = 6;
/** All that is unpacked from one archive, at all depths. */
const mostUnpacked = 512 * 1024 * 1024;

const archive = /\.(?:jar|war|ear|par|jpi|hpi|lpkg|sar)$/i;

/** Java archives, and the archives inside of them. */
export const java: Cataloguer = {
  id: 'java',
  open(file) {
    if (!archive.test(file.path)) return undefined;
    return captureWhole(file, largestArchive, bytes => new JarReading().read(bytes, file.path));
  },
};

class JarReading {
  readonly #packages: FoundPackage[] = [];
  readonly #problems: string[] = [];
  #unpacked = 0;

  read(zip: Buffer, path: string): FileFindings {
    this.#archive(zip, path.slice(path.lastIndexOf('/') + 1), '', 0);
    return {
      ...(this.#packages.length > 0 && { packages: this.#packages }),
      ...(this.#problems.length > 0 && { problems: this.#problems }),
    };
  }

  #archive(zip: Buffer, fileName: string, inside: string, depth: number): void {
    const entries = listZip(zip);
    for (const coordinates of coordinatesOf(this.#facts(zip, entries, fileName))) {
      this.#packages.push({ type: 'maven', ...coordinates, ...(inside !== '' && { inside }) });
    }
    for (const entry of entries.filter(({ name }) => archive.test(name))) {
      const nested = `${inside}!/${entry.name}`;
      try {
        if (depth === deepest) throw refuse('archives are nested too deeply');
        this.#archive(this.#unpack(zip, entry, largestArchive), baseName(entry.name), nested, depth + 1);
      } catch (error) {
        // One broken jar in a war says nothing about the others.
        if (!(error instanceof Fault)) throw error;
        this.#problems.push(`${nested}: ${error.message}`);
      }
    }
  }

  #facts(zip: Buffer, entries: readonly ZipEntry[], fileName: string): JarFacts {
    const properties = entries
      .filter(({ name }) => /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/.test(name))
      .map(entry => readProperties(this.#text(zip, entry)));
    const manifest = entries.find(({ name }) => name.toUpperCase() === 'META-INF/MANIFEST.MF');
    return {
      fileName,
      properties,
      manifest: manifest === undefined ? new Map() : readManifest(this.#text(zip, manifest)),
    };
  }

  #text(zip: Buffer, entry: ZipEntry): string {
    return this.#unpack(zip, entry, largestText).toString('utf8');
  }

  #unpack(zip: Buffer, entry: ZipEntry, limit: number): Buffer {
    const left = mostUnpacked - this.#unpacked;
    if (left <= 0) throw refuse('an archive that unpacks to too much');
    const bytes = readZipEntry(zip, entry, Math.min(limit, left));
    this.#unpacked += bytes.length;
    return bytes;
  }
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

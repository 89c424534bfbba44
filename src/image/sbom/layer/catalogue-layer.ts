import { Fault } from '../../../ground/fault/fault.ts';
import type { InventoryProblem } from '../../../model/inventory.ts';
import type { TarHeader } from '../../oci/archive/tar-header.ts';
import { type EntryReader, type TarLimits, TarWalk, tarLimits } from '../../oci/archive/walk-tar.ts';
import type { Cataloguer } from '../cataloguer.ts';
import type { FoundFile, LayerFindings, Link } from './findings.ts';
import { openReaders } from './open-readers.ts';
import { normalisePath } from './path.ts';

const whiteoutPrefix = '.wh.';
const opaqueMark = '.wh..wh..opq';

/** Lists what one layer holds, in one pass over its unpacked bytes. */
export async function catalogueLayer(
  tar: AsyncIterable<Uint8Array>,
  cataloguers: readonly Cataloguer[],
  where: string,
  limits: TarLimits = tarLimits,
): Promise<LayerFindings> {
  const layer = new LayerCollector(cataloguers);
  const refuse = (actual: string): Fault => brokenLayer(where, actual);
  const walk = new TarWalk(entry => layer.visit(entry), refuse, limits);
  for await (const piece of tar) walk.write(piece);
  walk.end();
  return layer.findings;
}

class LayerCollector {
  readonly #cataloguers: readonly Cataloguer[];
  readonly #files = new Map<string, FoundFile[]>();
  readonly #plainFiles = new Set<string>();
  readonly #directories = new Set<string>();
  readonly #symlinks = new Map<string, Link>();
  readonly #hardLinks = new Map<string, Link>();
  readonly #whiteouts: string[] = [];
  readonly #opaque: string[] = [];
  readonly #problems: InventoryProblem[] = [];

  constructor(cataloguers: readonly Cataloguer[]) {
    this.#cataloguers = cataloguers;
  }

  get findings(): LayerFindings {
    return {
      files: [...this.#files.values()].flat(),
      plainFiles: [...this.#plainFiles],
      directories: [...this.#directories],
      symlinks: [...this.#symlinks.values()],
      hardLinks: [...this.#hardLinks.values()],
      whiteouts: this.#whiteouts,
      opaque: this.#opaque,
      problems: [...this.#problems, ...this.#unreadLinks()],
    };
  }

  visit(entry: TarHeader): EntryReader | undefined {
    const path = normalisePath(entry.name);
    if (path === undefined) {
      this.#problems.push({
        cataloguer: 'layer',
        path: entry.name,
        message: 'an entry that leaves the root',
      });
      return undefined;
    }
    if (path === '' || this.#noteWhiteout(path)) return undefined;
    // A name that comes twice is what came last.
    if (entry.type !== '5') this.#forget(path);
    switch (entry.type) {
      case '0':
      case '\0':
      case '7':
        return this.#openFile({ path, size: entry.size, mode: entry.mode });
      case '1':
        this.#hardLinks.set(path, [path, entry.link]);
        return undefined;
      case '2':
        this.#symlinks.set(path, [path, entry.link]);
        return undefined;
      case '5':
        this.#symlinks.delete(path);
        this.#directories.add(path);
        return undefined;
      default:
        this.#plainFiles.add(path);
        return undefined;
    }
  }

  #noteWhiteout(path: string): boolean {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (!name.startsWith(whiteoutPrefix)) return false;
    const folder = path.slice(0, Math.max(0, slash));
    if (name === opaqueMark) this.#opaque.push(folder);
    else if (!name.startsWith('.wh..wh.')) {
      const hidden = name.slice(whiteoutPrefix.length);
      if (hidden !== '' && hidden !== '.' && hidden !== '..')
        this.#whiteouts.push(folder === '' ? hidden : `${folder}/${hidden}`);
    }
    return true;
  }

  #openFile(file: { path: string; size: number; mode: number }): EntryReader | undefined {
    this.#plainFiles.add(file.path);
    return openReaders(this.#cataloguers, file, {
      found: found => this.#files.set(file.path, [...(this.#files.get(file.path) ?? []), found]),
      problem: problem => this.#problems.push(problem),
    });
  }

  /** The content of a hard link passed under its other name; where nobody wanted that one, it is unknown. */
  #unreadLinks(): InventoryProblem[] {
    return [...this.#hardLinks.values()].flatMap(([path, target]) => {
      const reader = this.#readerOf(path);
      const place = normalisePath(target);
      if (reader === undefined || (place !== undefined && this.#readerOf(place) !== undefined)) return [];
      const message = `is a hard link to ${target}, under whose name it was not read`;
      return [{ cataloguer: reader.id, path, message }];
    });
  }

  /** Who reads a file for its name; programs are read for what is in them, and have been. */
  #readerOf(path: string): Cataloguer | undefined {
    return this.#cataloguers.find(({ open }) => open({ path, size: 1, mode: 0o644 }) !== undefined);
  }

  #forget(path: string): void {
    this.#files.delete(path);
    this.#plainFiles.delete(path);
    this.#symlinks.delete(path);
    this.#hardLinks.delete(path);
  }
}

function brokenLayer(where: string, actual: string): Fault {
  return new Fault('CONTENT_INVALID', {
    what: `${where} is not a tar archive that can be read`,
    where,
    actual,
  });
}

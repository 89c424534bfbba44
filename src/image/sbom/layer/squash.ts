import type { InventoryLayer, InventoryProblem, Package } from '../../../model/inventory.ts';
import type { FileFindings, FoundPackage } from '../cataloguer.ts';
import type { FoundFile, LayerFindings } from './findings.ts';
import { resolvePath } from './path.ts';

/** What is left of a file when all layers lie on top of each other. */
export interface MergedFile extends FoundFile {
  readonly layer: number;
  /** Of a database: the layer that first listed each package, and all above it still do. */
  readonly since?: ReadonlyMap<string, number>;
}

/** The merged view: links and findings, never a tree of files. */
export interface MergedView {
  readonly files: readonly MergedFile[];
  readonly links: ReadonlyMap<string, string>;
  readonly problems: readonly InventoryProblem[];
}

/** Lays the findings of layers on top of each other, lowest first (OCI image specification, "Applying Changesets"). */
export function squash(layers: readonly LayerFindings[]): MergedView {
  const merge = new Merge();
  for (const [index, layer] of layers.entries()) merge.add(layer, index);
  return merge.view();
}

class Merge {
  readonly #files = new Map<string, MergedFile[]>();
  readonly #links = new Map<string, string>();
  /** Where folders are, until a link changes. */
  readonly #folders = new Map<string, string | undefined>();
  #problems: InventoryProblem[] = [];

  view(): MergedView {
    return { files: [...this.#files.values()].flat(), links: this.#links, problems: this.#problems };
  }

  add(layer: LayerFindings, index: number): void {
    const before = new Map(this.#files);
    this.#removeMarked(layer);
    // Links first: where a file of the layer comes to lie depends on them.
    this.#replaceLinks(layer);
    // Below the lowest layer there is nothing to hide.
    if (index > 0)
      this.#hide(
        new Set(this.#places([...layer.plainFiles, ...layer.hardLinks.map(([path]) => path)])),
        new Set(),
      );
    for (const found of layer.files) this.#put(found, index, before);
    for (const [path, target] of layer.hardLinks) this.#link(path, target, index);
    for (const problem of layer.problems) {
      const path = this.#place(problem.path) ?? problem.path;
      this.#problems.push({ ...problem, path });
    }
  }

  #removeMarked({ whiteouts, opaque }: LayerFindings): void {
    // The mark is a file inside of the folder, so a link to the folder is followed.
    const emptied = opaque.flatMap(folder => resolvePath(folder, this.#links) ?? []);
    this.#hide(new Set(this.#places(whiteouts)), new Set(emptied));
    this.#folders.clear();
  }

  #replaceLinks({ symlinks, directories }: LayerFindings): void {
    const folders = new Set(this.#places(directories));
    // A folder replaces what is no folder, and keeps what is in it.
    for (const folder of folders) {
      this.#files.delete(folder);
      this.#links.delete(folder);
    }
    this.#folders.clear();
    const placed = symlinks.flatMap(([path, target]): [string, string][] => {
      const place = this.#place(path);
      return place === undefined ? [] : [[place, target]];
    });
    this.#hide(new Set(placed.map(([place]) => place)), new Set());
    for (const [place, target] of placed) this.#links.set(place, target);
    this.#folders.clear();
  }

  /** Takes away what lies at a path that is gone or below it, and what lies below a folder that was emptied. */
  #hide(gone: ReadonlySet<string>, emptied: ReadonlySet<string>): void {
    if (gone.size + emptied.size === 0) return;
    const isHidden = (path: string): boolean => {
      if (emptied.has('')) return true;
      for (let end = path.length; end !== -1; end = path.lastIndexOf('/', end - 1)) {
        const part = path.slice(0, end);
        if (gone.has(part) || (end < path.length && emptied.has(part))) return true;
      }
      return false;
    };
    for (const path of this.#files.keys()) if (isHidden(path)) this.#files.delete(path);
    for (const path of this.#links.keys()) if (isHidden(path)) this.#links.delete(path);
    this.#problems = this.#problems.filter(({ path }) => !isHidden(path));
  }

  #put(found: FoundFile, layer: number, before: ReadonlyMap<string, readonly MergedFile[]>): void {
    const path = this.#place(found.path);
    if (path === undefined) return;
    const others = (this.#files.get(path) ?? []).filter(
      other => other.layer === layer && other.cataloguer !== found.cataloguer,
    );
    const previous = before.get(path)?.find(({ cataloguer }) => cataloguer === found.cataloguer);
    const since = found.findings.database ? listSince(found.findings, layer, previous?.since) : undefined;
    this.#files.set(path, [...others, { ...found, path, layer, ...(since !== undefined && { since }) }]);
  }

  /** A hard link is one more name for the same content. */
  #link(path: string, target: string, layer: number): void {
    const place = this.#place(path);
    const from = this.#place(target);
    if (place === undefined || from === undefined) return;
    for (const found of this.#files.get(from) ?? []) {
      // The name of a program says nothing: its modules are counted once.
      if (found.cataloguer !== 'go-binary') this.#files.set(place, [{ ...found, path: place, layer }]);
    }
  }

  #places(paths: readonly string[]): string[] {
    return paths.flatMap(path => this.#place(path) ?? []);
  }

  /** Where a path is on the merged view: its folders are followed, the last part is not. */
  #place(path: string): string | undefined {
    if (this.#links.size === 0) return path;
    const slash = path.lastIndexOf('/');
    if (slash === -1) return path;
    const folder = path.slice(0, slash);
    // Many files lie in one folder.
    if (!this.#folders.has(folder)) this.#folders.set(folder, resolvePath(folder, this.#links));
    const place = this.#folders.get(folder);
    if (place === undefined || place === folder) return place && path;
    return place === '' ? path.slice(slash + 1) : `${place}${path.slice(slash)}`;
  }
}

function listSince(
  { packages = [] }: FileFindings,
  layer: number,
  before: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, number> {
  return new Map(packages.map(found => [databaseKey(found), before?.get(databaseKey(found)) ?? layer]));
}

export function databaseKey({ name, version, arch }: FoundPackage): string {
  return `${name}|${version}|${arch ?? ''}`;
}

export type LayerOf = (index: number) => Package['layer'];

/** Names the layer of a package; a folder has none. */
export function layerNamer(layers: readonly InventoryLayer[]): LayerOf {
  return index => {
    const layer = layers[index];
    return layer === undefined ? undefined : { index, diffId: layer.diffId, inherited: layer.inherited };
  };
}

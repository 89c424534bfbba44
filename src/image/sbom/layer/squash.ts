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
  #problems: InventoryProblem[] = [];

  view(): MergedView {
    return { files: [...this.#files.values()].flat(), links: this.#links, problems: this.#problems };
  }

  add(layer: LayerFindings, index: number): void {
    const before = new Map(this.#files);
    this.#hide(layer);
    for (const [path, target] of layer.symlinks) {
      const place = this.#place(path);
      if (place !== undefined) this.#links.set(place, target);
    }
    for (const found of layer.files) this.#put(found, index, before);
    for (const [path, target] of layer.hardLinks) this.#link(path, target, index);
    for (const problem of layer.problems) {
      const path = this.#place(problem.path) ?? problem.path;
      this.#problems.push({ ...problem, path });
    }
  }

  /** Whatever a layer has at a path hides what is below it; a folder hides only what is no folder. */
  #hide(layer: LayerFindings): void {
    const gone = new Set(this.#places(layer.whiteouts));
    const replaced = new Set([
      ...this.#places(layer.plainFiles),
      ...this.#places([...layer.symlinks, ...layer.hardLinks].map(([path]) => path)),
    ]);
    const emptied = new Set(this.#places(layer.opaque));
    const folders = new Set(this.#places(layer.directories));
    const isHidden = (path: string): boolean => {
      if (folders.has(path) || emptied.has('')) return true;
      for (let end = path.length; end !== -1; end = path.lastIndexOf('/', end - 1)) {
        const part = path.slice(0, end);
        if (gone.has(part) || replaced.has(part) || (end < path.length && emptied.has(part))) return true;
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
    return this.#links.size === 0 ? path : resolvePath(path, this.#links, false);
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

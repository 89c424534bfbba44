import { Fault } from '../../../ground/fault/fault.ts';
import { readIgnoreRules } from '../../dockerfile/ignore.ts';
import { type FileSource, type Found, findSources, joinPath, type SourceNode } from './file-source.ts';
import { bytesContent, type FileContent, type Meta, type Node, type Owner, root, type Tree } from './tree.ts';

export interface CopyOptions {
  readonly destination: string;
  readonly workFolder: string;
  readonly owner?: Owner;
  readonly mode?: number;
  readonly exclude: readonly string[];
  readonly parents: boolean;
  /** Unpacks a file below a folder of the image, when it is an archive. */
  readonly unpack?: (name: string, content: FileContent, below: string) => Promise<boolean>;
}

export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

/** Carries out one COPY: the files of the sources come to be in the tree. */
export async function copyFiles(
  tree: Tree,
  from: FileSource,
  sources: readonly string[],
  inline: readonly InlineFile[],
  o: CopyOptions,
): Promise<void> {
  const copying = new Copying(tree, from, o, sources.length + inline.length > 1);
  for (const pattern of sources) await copying.copySource(pattern);
  for (const file of inline) copying.putInline(file);
}

class Copying {
  readonly #tree: Tree;
  readonly #from: FileSource;
  readonly #o: CopyOptions;
  readonly #target: string;
  readonly #intoFolder: boolean;
  readonly #isExcluded: (path: string) => boolean;

  constructor(tree: Tree, from: FileSource, o: CopyOptions, several: boolean) {
    this.#tree = tree;
    this.#from = from;
    this.#o = o;
    this.#target = o.destination.startsWith('/') ? o.destination : `${o.workFolder}/${o.destination}`;
    const endsInFolder = /(?:^|\/)\.{0,2}$/.test(o.destination);
    if (several && !endsInFolder && tree.find(this.#target)?.kind !== 'folder') {
      throw new Fault('BUILD_FAILED', {
        what: `several files cannot all become ${o.destination}`,
        where: o.destination,
        expected: 'a folder',
        next: `write the destination with a slash at the end: ${o.destination}/`,
      });
    }
    this.#intoFolder = several || endsInFolder || tree.find(this.#target)?.kind === 'folder';
    this.#isExcluded = o.exclude.length === 0 ? () => false : readIgnoreRules(o.exclude.join('\n')).isIgnored;
  }

  async copySource(pattern: string): Promise<void> {
    const found = await findSources(this.#from, pattern);
    if (found.length === 0) {
      throw new Fault('BUILD_FAILED', {
        what: `there is no ${pattern} in ${this.#from.name}`,
        where: pattern,
        expected: `a file or folder of ${this.#from.name} that no ignore rule leaves out`,
      });
    }
    for (const one of found) await this.#copyFound(one, found.length > 1);
  }

  async #copyFound({ path, node }: Found, several: boolean): Promise<void> {
    const name = path.split('/').at(-1) ?? '';
    if (this.#isExcluded(name)) return;
    const below = this.#o.parents ? `${this.#target}/${path}` : this.#target;
    if (node.kind === 'folder') {
      this.#makeTarget(below, node);
      await this.#copyChildren(path, '', node, below);
      return;
    }
    if (node.kind === 'file' && node.node.kind === 'file') {
      if ((await this.#o.unpack?.(path, node.node.content, below)) === true) return;
    }
    const isInside = !this.#o.parents && (this.#intoFolder || several);
    this.#put(isInside ? `${below}/${name}` : below, node.node);
  }

  /** The contents of a folder are copied, not the folder: its own rights go to the target only when that is new. */
  #makeTarget(path: string, { mode, owner }: SourceNode & { kind: 'folder' }): void {
    if (this.#tree.find(path)?.kind === 'folder') return;
    this.#put(path, { kind: 'folder', meta: { mode, ...owner }, children: new Map() });
  }

  async #copyChildren(
    path: string,
    inner: string,
    folder: SourceNode & { kind: 'folder' },
    target: string,
  ): Promise<void> {
    for (const name of await folder.children()) {
      const child = joinPath(inner, name);
      if (this.#isExcluded(child)) continue;
      const place = joinPath(path, name);
      const node = (await this.#from.link(place)) ?? (await this.#from.find(place));
      if (node?.kind === 'folder') {
        const meta = { mode: node.mode, ...node.owner };
        this.#put(`${target}/${child}`, { kind: 'folder', meta, children: new Map() });
        await this.#copyChildren(place, child, node, target);
      } else if (node !== undefined) this.#put(`${target}/${child}`, node.node);
    }
  }

  putInline({ name, content }: InlineFile): void {
    const path = this.#intoFolder ? `${this.#target}/${name}` : this.#target;
    this.#put(path, {
      kind: 'file',
      meta: { ...root, mode: 0o644 },
      content: bytesContent(Buffer.from(content)),
    });
  }

  #put(path: string, node: Node): void {
    const { owner, mode } = this.#o;
    const meta: Meta = {
      ...node.meta,
      ...owner,
      ...(mode !== undefined && node.kind !== 'link' && { mode }),
    };
    this.#tree.put(path, { ...node, meta }, owner ?? root);
  }
}

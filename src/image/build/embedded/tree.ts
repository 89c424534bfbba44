import { Fault } from '../../../ground/fault/fault.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Meta extends Owner {
  readonly mode: number;
}

/** Where the bytes of a file are; read only when they are needed. */
export interface FileContent {
  readonly size: number;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export type Node = FolderNode | FileNode | LinkNode | DeviceNode;
export interface FolderNode {
  readonly kind: 'folder';
  readonly meta: Meta;
  readonly children: Map<string, Node>;
}
export interface FileNode {
  readonly kind: 'file';
  readonly meta: Meta;
  readonly content: FileContent;
}
export interface LinkNode {
  readonly kind: 'link';
  readonly meta: Meta;
  readonly target: string;
}
/** A device or a pipe of a base image: there, but nothing that could be copied. */
export interface DeviceNode {
  readonly kind: 'device';
  readonly meta: Meta;
}

export const root: Owner = { uid: 0, gid: 0 };
const mostLinks = 40;
/** About 2 GB of memory. */
const mostEntries = 1_000_000;

/** The files of one stage as a container would see them, and what the current step changed. */
export class Tree {
  readonly top: FolderNode;
  #changes = new Map<string, Node>();
  #entries = 0;

  constructor(top: FolderNode = newFolder({ ...root, mode: 0o755 })) {
    this.top = top;
  }

  clone(): Tree {
    return new Tree(cloneFolder(this.top));
  }

  /** What was put since it was last asked, by path, without a slash in front. */
  takeChanges(): ReadonlyMap<string, Node> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }

  /** The node behind a path, links followed; undefined when there is none. Nothing leads out of the root. */
  find(path: string): Node | undefined {
    const real = this.realPath(path);
    return real === undefined ? undefined : this.#at(real);
  }

  /** The path with every link followed, as far as it exists; undefined for links in a circle. */
  realPath(path: string): readonly string[] | undefined {
    const waiting = segmentsOf(path).reverse();
    const walked: string[] = [];
    let node: Node | undefined = this.top;
    for (let links = 0; waiting.length > 0; ) {
      const segment = waiting.pop() ?? '';
      if (segment === '..') {
        walked.pop();
        node = this.#at(walked);
        continue;
      }
      const next: Node | undefined = node?.kind === 'folder' ? node.children.get(segment) : undefined;
      if (next?.kind === 'link') {
        if (++links > mostLinks) return undefined;
        if (next.target.startsWith('/')) walked.length = 0;
        waiting.push(...segmentsOf(next.target).reverse());
        node = this.#at(walked);
        continue;
      }
      walked.push(segment);
      node = next;
    }
    return walked;
  }

  /** Puts a node where its path leads; folders on the way come into being for the owner. */
  put(path: string, node: Node, owner: Owner = root): void {
    const parts = segmentsOf(path);
    const name = parts.pop();
    if (name === undefined || name === '..') throw escapes(path);
    const parent = this.makeFolders(parts.join('/'), owner);
    const real = [...parent.path, name];
    const old = parent.folder.children.get(name);
    // A folder onto a folder keeps what is in it.
    const placed =
      node.kind === 'folder' && old?.kind === 'folder' ? { ...node, children: old.children } : node;
    this.#store(parent.folder, real, placed);
  }

  makeFolders(path: string, owner: Owner): { readonly folder: FolderNode; readonly path: readonly string[] } {
    const real = this.realPath(path);
    if (real === undefined)
      throw new Fault('BUILD_FAILED', { what: `${path} is a circle of links`, where: path });
    let folder = this.top;
    const walked: string[] = [];
    for (const segment of real) {
      walked.push(segment);
      const child = folder.children.get(segment);
      if (child !== undefined && child.kind !== 'folder') {
        throw new Fault('BUILD_FAILED', {
          what: `/${walked.join('/')} is no folder`,
          where: `/${path}`,
          expected: 'a folder',
          actual: child.kind,
        });
      }
      if (child !== undefined) {
        folder = child;
        continue;
      }
      const made = newFolder({ ...owner, mode: 0o755 });
      this.#store(folder, [...walked], made);
      folder = made;
    }
    return { folder, path: walked };
  }

  #store(folder: FolderNode, path: readonly string[], node: Node): void {
    if (++this.#entries > mostEntries)
      throw new Fault('BUILD_FAILED', { what: `the image has more than ${mostEntries} files` });
    folder.children.set(path.at(-1) ?? '', node);
    this.#changes.set(path.join('/'), node);
  }

  #at(path: readonly string[]): Node | undefined {
    let node: Node | undefined = this.top;
    for (const segment of path) node = node?.kind === 'folder' ? node.children.get(segment) : undefined;
    return node;
  }
}

export function newFolder(meta: Meta): FolderNode {
  return { kind: 'folder', meta, children: new Map() };
}

export function bytesContent(bytes: Uint8Array): FileContent {
  return {
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}

/** `/a//b/./c` is a, b, c; what leads up stays, so that links are followed first. */
export function segmentsOf(path: string): string[] {
  return path.split('/').filter(segment => segment !== '' && segment !== '.');
}

function cloneFolder(folder: FolderNode): FolderNode {
  const copy = newFolder(folder.meta);
  for (const [name, child] of folder.children)
    copy.children.set(name, child.kind === 'folder' ? cloneFolder(child) : child);
  return copy;
}

function escapes(path: string): Fault {
  return new Fault('BUILD_FAILED', { what: `${path} leads nowhere in the image`, where: path });
}

import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { compileGlob, hasGlob } from '../../../model/glob.ts';
import type { IgnoreRules } from '../../dockerfile/ignore.ts';
import { type FileContent, type Node, segmentsOf, type Tree } from './tree.ts';

/** Where COPY and ADD take files from: the context, an earlier stage, another image. */
export interface FileSource {
  readonly name: string;
  /** Follows links; nothing outside of the root is ever seen. */
  find(path: string): Promise<SourceNode | undefined>;
  /** The link itself, when there is one at the path. */
  link(path: string): Promise<SourceNode | undefined>;
}

export type SourceNode =
  | { readonly kind: 'file'; readonly node: Node }
  | {
      readonly kind: 'folder';
      readonly mode: number;
      readonly owner: { uid: number; gid: number };
      children(): Promise<readonly string[]>;
    }
  /** Only inside a folder: one that is named itself is followed. */
  | { readonly kind: 'link'; readonly node: Node };

export interface Found {
  readonly path: string;
  readonly node: SourceNode;
}

const mostMatches = 100_000;

/** What a source of a COPY means: one path, or all that a pattern matches, in order. */
export async function findSources(source: FileSource, pattern: string): Promise<readonly Found[]> {
  let found: readonly string[] = [''];
  for (const segment of segmentsOf(pattern)) {
    if (segment === '..') found = found.map(path => path.split('/').slice(0, -1).join('/'));
    else if (!hasGlob(segment)) found = found.map(path => joinPath(path, segment));
    else found = (await Promise.all(found.map(path => expandSegment(source, path, segment)))).flat();
    if (found.length > mostMatches)
      throw new Fault('BUILD_FAILED', {
        what: `${pattern} matches more than ${mostMatches} files`,
        where: source.name,
      });
  }
  const nodes = await Promise.all(found.map(async path => ({ path, node: await source.find(path) })));
  return nodes.filter((one): one is Found => one.node !== undefined);
}

async function expandSegment(source: FileSource, path: string, segment: string): Promise<string[]> {
  const folder = await source.find(path);
  if (folder?.kind !== 'folder') return [];
  const children = await folder.children();
  if (segment !== '**') {
    const matches = compileGlob(segment);
    return children.filter(matches).map(child => joinPath(path, child));
  }
  const below = await Promise.all(children.map(child => expandSegment(source, joinPath(path, child), '**')));
  return [path, ...below.flat()];
}

/** The folder of the build, without what .dockerignore leaves out. */
export class ContextSource implements FileSource {
  readonly name = 'the context';
  readonly #root: string;
  readonly #ignore: IgnoreRules;

  constructor(root: string, ignore: IgnoreRules) {
    this.#root = root;
    this.#ignore = ignore;
  }

  async find(path: string): Promise<SourceNode | undefined> {
    const real = await this.#inside(path);
    if (real === undefined || (real !== '' && this.#ignore.isIgnored(real) && !this.#ignore.mayHold(real)))
      return undefined;
    const place = join(this.#root, real);
    const found = await stat(place);
    if (found.isDirectory()) return this.#folder(real, found.mode);
    if (!found.isFile() || this.#ignore.isIgnored(real)) return undefined;
    return { kind: 'file', node: fileNode(place, found) };
  }

  /** The path without links, relative to the root; undefined when there is nothing, or it lies outside. */
  async #inside(path: string): Promise<string | undefined> {
    try {
      const base = await realpath(this.#root);
      const real = await realpath(join(base, path));
      if (real === base) return '';
      if (!real.startsWith(base + sep)) {
        throw new Fault('BUILD_FAILED', {
          what: `${path} leads out of the context`,
          where: path,
          expected: `something below ${this.#root}`,
          next: 'copy the file into the context, or name another context',
        });
      }
      return real
        .slice(base.length + 1)
        .split(sep)
        .join('/');
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  #folder(path: string, mode: number): SourceNode {
    return {
      kind: 'folder',
      mode: reproducible(mode),
      owner: { uid: 0, gid: 0 },
      children: async () => {
        const entries = await readdir(join(this.#root, path), { withFileTypes: true });
        return entries
          .filter(entry => {
            const child = joinPath(path, entry.name);
            return !this.#ignore.isIgnored(child) || (entry.isDirectory() && this.#ignore.mayHold(child));
          })
          .map(({ name }) => name)
          .sort();
      },
    };
  }

  /** A link inside a folder that is copied stays a link. */
  async link(path: string): Promise<SourceNode | undefined> {
    const place = join(this.#root, path);
    const found = await lstat(place).catch(() => undefined);
    if (found?.isSymbolicLink() !== true) return undefined;
    const meta = { mode: 0o777, uid: 0, gid: 0 };
    return { kind: 'link', node: { kind: 'link', meta, target: await readlink(place) } };
  }
}

/** The files of a stage or of an image. */
export class TreeSource implements FileSource {
  readonly name: string;
  readonly #tree: Tree;

  constructor(name: string, tree: Tree) {
    this.name = name;
    this.#tree = tree;
  }

  async find(path: string): Promise<SourceNode | undefined> {
    const node = this.#tree.find(path);
    return node === undefined ? undefined : toSourceNode(node, this.name, path);
  }

  async link(path: string): Promise<SourceNode | undefined> {
    const parent = this.#tree.find(path.split('/').slice(0, -1).join('/'));
    const node = parent?.kind === 'folder' ? parent.children.get(path.split('/').at(-1) ?? '') : undefined;
    return node?.kind === 'link' ? { kind: 'link', node } : undefined;
  }
}

function toSourceNode(node: Node, name: string, path: string): SourceNode {
  if (node.kind === 'folder') {
    const { mode, uid, gid } = node.meta;
    return {
      kind: 'folder',
      mode,
      owner: { uid, gid },
      children: async () => [...node.children.keys()].sort(),
    };
  }
  if (node.kind === 'file') return { kind: 'file', node };
  throw new Fault('BUILD_FAILED', {
    what: `${path} in ${name} is a ${node.kind} and cannot be copied`,
    where: path,
  });
}

function fileNode(place: string, { size, mode }: { readonly size: number; readonly mode: number }): Node {
  const content: FileContent = {
    size,
    open: signal => createReadStream(place, signal === undefined ? {} : { signal }),
  };
  return { kind: 'file', meta: { mode: reproducible(mode), uid: 0, gid: 0 }, content };
}

/** Write bits for others depend on the umask of whoever checked the files out; with them no two machines agree. */
function reproducible(mode: number): number {
  return mode & 0o7755;
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function isAbsent(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP')
  );
}

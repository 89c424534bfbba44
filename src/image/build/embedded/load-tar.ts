import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Fault } from '../../../ground/fault/fault.ts';
import { toWriteFault } from '../../../ground/store/write-fault.ts';
import type { TarHeader } from '../../oci/archive/tar-header.ts';
import { type EntryReader, type TarLimits, TarWalk } from '../../oci/archive/walk-tar.ts';
import { bytesContent, type FileContent, type Node, type Owner, segmentsOf, type Tree } from './tree.ts';

const accountFiles = ['etc/passwd', 'etc/group'];
const largestAccountFile = 1024 * 1024;

export interface TarLoadingOptions {
  /** What the tar is, in the words of an error. */
  readonly where: string;
  /** Where its bytes are kept. */
  readonly spool: string;
  /** When files are copied out of it, their bytes are kept; else only what names users. */
  readonly keepsFiles: boolean;
  /** An archive of somebody, and no layer: it goes below this folder, and its names mean nothing but themselves. */
  readonly below?: string;
  /** To whom everything in it belongs, whatever it says itself. */
  readonly owner?: Owner;
  readonly limits?: TarLimits;
  readonly signal?: AbortSignal;
}

/** Puts the entries of a tar into a tree while it streams. */
export class TarLoading {
  readonly #tree: Tree;
  readonly #o: TarLoadingOptions;
  /** Whiteouts speak of the layers below only, wherever in the stream they stand. */
  readonly #own = new Set<string>();
  /** What turns the place of a piece in its buffer into its place in the stream. */
  #streamOffset = 0;

  constructor(tree: Tree, o: TarLoadingOptions) {
    this.#tree = tree;
    this.#o = o;
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const walk = new TarWalk(
      entry => this.#visit(entry),
      actual => this.#refuse(actual),
      this.#o.limits,
    );
    const file = this.#o.keepsFiles ? await open(this.#o.spool, 'w', 0o600) : undefined;
    let passed = 0;
    try {
      for await (const chunk of chunks) {
        this.#o.signal?.throwIfAborted();
        this.#streamOffset = passed - chunk.byteOffset;
        walk.write(chunk);
        passed += chunk.length;
        await file?.write(chunk).catch(error => {
          throw toWriteFault(error, this.#o.spool);
        });
      }
      walk.end();
    } finally {
      await file?.close();
    }
  }

  #visit(entry: TarHeader): EntryReader | undefined {
    const parts = segmentsOf(entry.name);
    if (parts.includes('..')) throw this.#refuse(`a path that leaves the image: ${entry.name.slice(0, 100)}`);
    const name = parts.at(-1);
    if (name === undefined) return undefined;
    const path = parts.join('/');
    if (this.#o.below === undefined && name.startsWith('.wh.')) {
      this.#whiteOut(parts.slice(0, -1), name);
      return undefined;
    }
    this.#own.add(path);
    return this.#place(path, entry);
  }

  #place(path: string, entry: TarHeader): EntryReader | undefined {
    const meta = { mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid, ...this.#o.owner };
    switch (entry.type) {
      case '5':
        this.#put(path, { kind: 'folder', meta, children: new Map() });
        return undefined;
      case '2':
        // A link has no rights of its own; what a program made of the entry would have all.
        this.#put(path, { kind: 'link', meta: { ...meta, mode: 0o777 }, target: entry.link });
        return undefined;
      case '1': {
        const target = this.#tree.find(this.#placeOf(entry.link));
        if (target !== undefined) this.#put(path, target);
        return undefined;
      }
      case '0':
      case '\0':
      case '7':
        return this.#placeFile(path, entry, meta);
      default:
        this.#put(path, { kind: 'device', meta });
        return undefined;
    }
  }

  #placeFile(path: string, entry: TarHeader, meta: Node['meta']): EntryReader | undefined {
    const place = (content: FileContent) => this.#put(path, { kind: 'file', meta, content });
    if (this.#o.keepsFiles) return this.#spooled(entry.size, place);
    if (!accountFiles.includes(path) || entry.size > largestAccountFile) {
      place(absent(path, entry.size));
      return undefined;
    }
    const pieces: Buffer[] = [];
    return {
      write: piece => void pieces.push(Buffer.from(piece)),
      end: () => place(bytesContent(Buffer.concat(pieces))),
    };
  }

  /** The content of an entry lies in one stretch of the tar, so that its first piece says where all of it is. */
  #spooled(size: number, place: (content: FileContent) => void): EntryReader {
    let start: number | undefined;
    return {
      write: piece => {
        start ??= this.#streamOffset + piece.byteOffset;
      },
      end: () => place(rangeContent(this.#o.spool, start ?? 0, size)),
    };
  }

  #whiteOut(folder: readonly string[], name: string): void {
    if (name.startsWith('.wh..wh.') && name !== '.wh..wh..opq') return;
    const parent = this.#tree.find(folder.join('/'));
    if (parent?.kind !== 'folder') return;
    const hidden = name === '.wh..wh..opq' ? [...parent.children.keys()] : [name.slice(4)];
    for (const child of hidden) this.#remove(parent.children, [...folder, child].join('/'), child);
  }

  #remove(children: Map<string, Node>, path: string, name: string): void {
    const node = children.get(name);
    if (node === undefined) return;
    if (!this.#own.has(path)) children.delete(name);
    else if (node.kind === 'folder')
      for (const child of node.children.keys()) this.#remove(node.children, `${path}/${child}`, child);
  }

  #put(path: string, node: Node): void {
    this.#tree.put(this.#placeOf(path), node);
  }

  #placeOf(path: string): string {
    return this.#o.below === undefined ? path : `${this.#o.below}/${path}`;
  }

  #refuse(actual: string): Fault {
    return new Fault('CONTENT_INVALID', {
      what: `${this.#o.where} is no proper archive`,
      where: this.#o.where,
      actual,
    });
  }
}

function rangeContent(path: string, start: number, size: number): FileContent {
  return {
    size,
    async *open(signal) {
      if (size === 0) return;
      yield* createReadStream(path, {
        start,
        end: start + size - 1,
        ...(signal !== undefined && { signal }),
      });
    },
  };
}

/** There, for whoever asks whether it is; its bytes were not kept because nothing of this build reads them. */
function absent(path: string, size: number): FileContent {
  return {
    size,
    open: () => {
      throw new Error(`${path} of the base image was not kept`);
    },
  };
}

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { toWriteFault } from '../../../ground/store/write-fault.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { TarHeader } from '../../oci/archive/tar-header.ts';
import { type EntryReader, TarWalk } from '../../oci/archive/walk-tar.ts';
import { gunzip } from '../../oci/gunzip.ts';
import type { Registry } from '../../oci/registry.ts';
import { verified } from '../../oci/verified.ts';
import { bytesContent, type FileContent, type Node, segmentsOf, type Tree } from './tree.ts';

export interface LayerSource {
  readonly registry: Registry;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
}

export interface LoadOptions {
  readonly workFolder: string;
  /** When files are copied out of it, their bytes are kept in the work folder; else only what names users. */
  readonly keepsFiles: boolean;
  readonly signal?: AbortSignal;
}

const largestLayer = 64 * 1024 ** 3;
const accountFiles = ['etc/passwd', 'etc/group'];
const largestAccountFile = 1024 * 1024;

/** Lays the layers of an image over each other, as a container would see them. */
export async function loadLayers(tree: Tree, source: LayerSource, o: LoadOptions): Promise<void> {
  for (const [at, layer] of source.layers.entries()) {
    const loading = new LayerLoading(
      tree,
      layer.digest,
      join(o.workFolder, `base-${layer.digest.slice(7)}`),
      o,
    );
    await loading.load(unpack(layer, source, at, o.signal));
  }
  tree.takeChanges();
}

function unpack(
  layer: Descriptor,
  { registry, diffIds }: LayerSource,
  at: number,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const packed = verified(registry.blob(layer, signal === undefined ? {} : { signal }), layer, layer.digest);
  const isPlain = layer.mediaType === mediaTypes.layerTar;
  if (!isPlain && !/\+gzip$|\.gzip$/.test(layer.mediaType)) {
    throw new Fault('UNSUPPORTED', {
      what: `the embedded builder cannot unpack the layer ${layer.digest}`,
      where: `${registry.place}, layer ${at + 1} of ${diffIds.length}`,
      expected: 'a layer packed with gzip',
      actual: layer.mediaType,
      next: 'build with --builder buildah or --builder buildx',
    });
  }
  return isPlain ? packed : gunzip(packed, largestLayer, layer.digest);
}

class LayerLoading {
  readonly #tree: Tree;
  readonly #where: string;
  readonly #spool: string;
  readonly #o: LoadOptions;
  /** Whiteouts speak of the layers below only, wherever in the stream they stand. */
  readonly #own = new Set<string>();
  /** What turns the place of a piece in its buffer into its place in the stream. */
  #streamOffset = 0;

  constructor(tree: Tree, where: string, spool: string, o: LoadOptions) {
    this.#tree = tree;
    this.#where = where;
    this.#spool = spool;
    this.#o = o;
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const walk = new TarWalk(
      entry => this.#visit(entry),
      actual => this.#refuse(actual),
    );
    const file = this.#o.keepsFiles ? await open(this.#spool, 'w', 0o600) : undefined;
    let passed = 0;
    try {
      for await (const chunk of chunks) {
        this.#o.signal?.throwIfAborted();
        this.#streamOffset = passed - chunk.byteOffset;
        walk.write(chunk);
        passed += chunk.length;
        await file?.write(chunk).catch(error => {
          throw toWriteFault(error, this.#spool);
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
    if (name.startsWith('.wh.')) {
      this.#whiteOut(parts.slice(0, -1), name);
      return undefined;
    }
    this.#own.add(path);
    return this.#place(path, entry);
  }

  #place(path: string, entry: TarHeader): EntryReader | undefined {
    const meta = { mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid };
    switch (entry.type) {
      case '5':
        this.#put(path, { kind: 'folder', meta, children: new Map() });
        return undefined;
      case '2':
        this.#put(path, { kind: 'link', meta, target: entry.link });
        return undefined;
      case '1': {
        const target = this.#tree.find(entry.link);
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
      end: () => place(rangeContent(this.#spool, start ?? 0, size)),
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
    this.#tree.put(path, node);
  }

  #refuse(actual: string): Fault {
    return new Fault('CONTENT_INVALID', {
      what: `the layer ${this.#where} is no proper archive`,
      where: this.#where,
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

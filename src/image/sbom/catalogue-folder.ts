import { type Dirent, promises as fs } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import type { Inventory, InventoryProblem } from '../../model/inventory.ts';
import type { EntryReader } from '../oci/archive/walk-tar.ts';
import { assemble } from './assemble.ts';
import { allCataloguers } from './cataloguers/all.ts';
import type { FoundFile, Link } from './layer/findings.ts';
import { openReaders } from './layer/open-readers.ts';
import { squash } from './layer/squash.ts';

const mostFiles = 2_000_000;
const deepest = 256;
const pieceSize = 1024 * 1024;

export interface CatalogueFolderOptions {
  readonly name?: string;
  readonly created?: string;
  readonly signal?: AbortSignal;
}

/** Lists what is installed below a folder, taken as the root of a system. Links are never followed out of it. */
export async function catalogueFolder(folder: string, o: CatalogueFolderOptions = {}): Promise<Inventory> {
  const walk = new FolderWalk(folder, o.signal);
  await walk.walk('', 0);
  const view = squash([
    {
      files: walk.files,
      symlinks: walk.links,
      problems: walk.problems,
      plainFiles: [],
      directories: [],
      hardLinks: [],
      whiteouts: [],
      opaque: [],
    },
  ]);
  return assemble(
    { name: o.name ?? folder, layers: [], ...(o.created !== undefined && { created: o.created }) },
    view,
  );
}

class FolderWalk {
  readonly files: FoundFile[] = [];
  readonly links: Link[] = [];
  readonly problems: InventoryProblem[] = [];
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer = Buffer.allocUnsafe(pieceSize);
  #count = 0;

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  async walk(folder: string, depth: number): Promise<void> {
    this.#signal?.throwIfAborted();
    if (depth > deepest) return this.#report(folder, 'folders are nested too deeply');
    const entries = await this.#list(folder, depth);
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (++this.#count > mostFiles)
        throw new Fault('UNSUPPORTED', { what: `${this.#root} holds too many files`, where: this.#root });
      if (entry.isSymbolicLink()) await this.#link(path);
      else if (entry.isDirectory()) await this.walk(path, depth + 1);
      else if (entry.isFile()) await this.#file(path);
    }
  }

  async #list(folder: string, depth: number): Promise<Dirent[]> {
    try {
      const entries = await fs.readdir(join(this.#root, folder), { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (cause) {
      if (depth === 0)
        throw new Fault('FILE_MISSING', {
          what: `${this.#root} cannot be read as a folder`,
          where: this.#root,
          cause,
        });
      this.#report(folder, `the folder cannot be read: ${reasonOf(cause)}`);
      return [];
    }
  }

  async #link(path: string): Promise<void> {
    await this.#guard(path, async () => {
      const target = await fs.readlink(join(this.#root, path));
      // An absolute target is meant from the root of the system that lies here.
      this.links.push([path, target]);
    });
  }

  async #file(path: string): Promise<void> {
    await this.#guard(path, async () => {
      const { size, mode } = await fs.lstat(join(this.#root, path));
      const reader = openReaders(
        allCataloguers,
        { path, size, mode },
        { found: file => this.files.push(file), problem: problem => this.problems.push(problem) },
      );
      if (reader !== undefined) await this.#read(path, size, reader);
    });
  }

  async #read(path: string, size: number, reader: EntryReader): Promise<void> {
    // O_NOFOLLOW: what was a file a moment ago can be a link by now.
    const file = await fs.open(
      join(this.#root, path),
      fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK,
    );
    try {
      for (let at = 0; at < size; ) {
        this.#signal?.throwIfAborted();
        const { bytesRead } = await file.read(this.#buffer, 0, Math.min(pieceSize, size - at), at);
        if (bytesRead === 0) break;
        reader.write(this.#buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      reader.end();
    } finally {
      await file.close();
    }
  }

  async #guard(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Only what the operating system refuses; an abort and our own bugs go on.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      this.#report(path, `cannot be read: ${reasonOf(error)}`);
    }
  }

  #report(path: string, message: string): void {
    this.problems.push({ cataloguer: 'folder', path, message });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { inParallel } from '../../ground/process/in-parallel.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { readSmallFile } from '../../ground/store/regular-file.ts';
import { largestYaml } from '../../ground/yaml/read-yaml.ts';
import { StateFile } from './state-file.ts';

/** Where state has been kept over time; the first that is there is read, and only the first is written. */
const layouts = ['.cascadeguard', 'state', '.', 'cascadeguard/state'] as const;
const kinds = ['images', 'base-images'] as const;
type Kind = (typeof kinds)[number];

/** Another program left files with an @ in their names. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,250}\.yaml$/;
const mostFiles = 50_000;

/** Everything that is known of a fleet, one file for each image and each base. */
export class StateFolder {
  /** Where it is written. */
  readonly path: string;
  readonly exists: boolean;
  readonly #files: Readonly<Record<Kind, Map<string, StateFile>>>;
  readonly #removed: { kind: Kind; stem: string }[] = [];
  readonly #isMoved: boolean;
  readonly #root: string;

  private constructor(
    root: string,
    path: string,
    found: { exists: boolean; isMoved: boolean; files: Readonly<Record<Kind, Map<string, StateFile>>> },
  ) {
    this.#root = root;
    this.path = path;
    this.exists = found.exists;
    this.#isMoved = found.isMoved;
    this.#files = found.files;
  }

  /** Nothing is known, and nothing will be written. */
  static empty(root: string): StateFolder {
    const files = { images: new Map<string, StateFile>(), 'base-images': new Map<string, StateFile>() };
    return new StateFolder(root, join(root, layouts[0]), { exists: false, isMoved: false, files });
  }

  static async open(root: string, given?: string): Promise<StateFolder> {
    const path = given ?? join(root, layouts[0]);
    const places = given === undefined ? layouts.map(layout => join(root, layout)) : [given];
    const place = await firstWithState(places);
    const files = { images: new Map<string, StateFile>(), 'base-images': new Map<string, StateFile>() };
    if (place !== undefined) {
      await checkInside(place, given === undefined ? root : place);
      for (const kind of kinds) files[kind] = await readFolder(place, kind, root);
    }
    await checkInside(path, given === undefined ? root : path);
    return new StateFolder(root, path, {
      exists: place !== undefined,
      isMoved: place !== undefined && place !== path,
      files,
    });
  }

  get images(): ReadonlyMap<string, StateFile> {
    return this.#files.images;
  }

  get bases(): ReadonlyMap<string, StateFile> {
    return this.#files['base-images'];
  }

  file(kind: Kind, stem: string): StateFile {
    const known = this.#files[kind].get(stem);
    if (known !== undefined) return known;
    const file = new StateFile(this.#nameOf(kind, stem));
    this.#files[kind].set(stem, file);
    return file;
  }

  remove(kind: Kind, stem: string): void {
    this.#files[kind].delete(stem);
    this.#removed.push({ kind, stem });
  }

  /** Files that differ from what is on the disk, as people name them. */
  pending(): readonly string[] {
    return [
      ...this.#changed().map(({ kind, stem }) => this.#nameOf(kind, stem)),
      ...this.#removed.map(({ kind, stem }) => this.#nameOf(kind, stem)),
    ].toSorted();
  }

  /** Texts before and after, for a comparison. */
  changes(): readonly { readonly path: string; readonly text: string }[] {
    return this.#changed().map(({ kind, stem, file }) => ({
      path: this.#nameOf(kind, stem),
      text: file.text(),
    }));
  }

  async write(): Promise<readonly string[]> {
    const changed = this.#changed();
    for (const kind of new Set(changed.map(({ kind }) => kind))) {
      const folder = join(this.path, kind);
      await checkInside(folder, this.path);
      await makeFolder(folder);
    }
    await inParallel(changed, 16, async ({ kind, stem, file }) => {
      await writeFileAtomically(join(this.path, kind, `${stem}.yaml`), file.text());
    });
    for (const { kind, stem } of this.#removed)
      await rm(join(this.path, kind, `${stem}.yaml`), { force: true });
    return this.pending();
  }

  #changed(): { kind: Kind; stem: string; file: StateFile }[] {
    return kinds.flatMap(kind =>
      [...this.#files[kind]].flatMap(([stem, file]) =>
        file.isChanged || this.#isMoved ? [{ kind, stem, file }] : [],
      ),
    );
  }

  #nameOf(kind: Kind, stem: string): string {
    return relative(this.#root, join(this.path, kind, `${stem}.yaml`));
  }
}

async function firstWithState(places: readonly string[]): Promise<string | undefined> {
  for (const place of places) {
    // At the root of a repository `images` alone may be anything.
    const isRoot = places.length > 1 && place === places[2];
    const there = await Promise.all(kinds.map(kind => isFolder(join(place, kind))));
    if (isRoot ? there.every(Boolean) : there.some(Boolean)) return place;
  }
  return undefined;
}

async function readFolder(place: string, kind: Kind, root: string): Promise<Map<string, StateFile>> {
  const folder = join(place, kind);
  if (!(await isFolder(folder))) return new Map();
  await checkInside(folder, place);
  const found = (await readdir(folder, { withFileTypes: true })).filter(
    ({ name }) => fileName.test(name) && !name.endsWith('.example.yaml'),
  );
  if (found.length > mostFiles) {
    throw new Fault('LIMIT_EXCEEDED', {
      what: `${folder} holds more than ${mostFiles} state files`,
      where: folder,
    });
  }
  const files = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const read = files.map(entry => {
    const { name } = entry;
    const path = join(folder, name);
    const shown = relative(root, path);
    const isLink = entry.isSymbolicLink();
    const bytes = isLink ? undefined : readSmallFile(path, largestYaml);
    if (bytes === undefined) {
      throw new Fault('FILE_INVALID', {
        what: isLink ? 'a state file is a link' : `a state file is larger than ${largestYaml} bytes`,
        where: shown,
      });
    }
    return [name.replace(/\.yaml$/, ''), new StateFile(shown, bytes.toString('utf8'))] as const;
  });
  return new Map(read);
}

/** A link must not lead what we write out of the repository. */
async function checkInside(path: string, root: string): Promise<void> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return;
  const inside = await realpath(root);
  if (real === inside || real.startsWith(inside.endsWith(sep) ? inside : inside + sep)) return;
  throw new Fault('FILE_INVALID', {
    what: 'the state folder leads out of the repository',
    where: path,
    actual: real,
    next: 'name the folder with --state-dir',
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import type { Environment } from '../ground/http/proxy.ts';
import { cacheFolder } from '../ground/store/user-folders.ts';
import type { RegistryAccess } from '../image/oci/access.ts';
import { formatLocation, type Location } from '../image/oci/location.ts';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import type { Call, Manifest } from '../image/oci/registry.ts';
import { catalogueFolder } from '../image/sbom/catalogue-folder.ts';
import { catalogueImage, readDiffIds } from '../image/sbom/catalogue-image.ts';
import { formatImageReference } from '../model/image-reference.ts';
import type { Inventory } from '../model/inventory.ts';
import { chooseImage, type OnChoice } from './choose-image.ts';
import { findBase } from './find-base.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export { readSbom } from '../image/sbom/formats/read-sbom.ts';
export { writeCycloneDx } from '../image/sbom/formats/write-cyclonedx.ts';
export { writeSpdx } from '../image/sbom/formats/write-spdx.ts';

export interface ListContents extends ReachOptions {
  /** An image anywhere, or a folder: `dir:PATH`, or a path that is one. */
  readonly target: string;
  /** Of an index; without it this machine's, or the only one. */
  readonly platform?: string;
  /** The image that this one was built on, for telling inherited packages. */
  readonly base?: string;
  readonly cwd: string;
  /** Keep and use what was found in layers before; yes unless said otherwise. */
  readonly cache?: boolean;
  readonly onChoice?: OnChoice;
  readonly onLayer?: (done: number, all: number) => void;
  /** Hears what the list cannot tell. */
  readonly onNote?: (text: string) => void;
}

/** Lists what is installed in an image or below a folder. */
export async function listContents(o: ListContents): Promise<Inventory> {
  const folder = folderOf(o.target, o.cwd);
  if (folder !== undefined) return await listFolder(folder, o);
  const image = toLocation(o.target);
  const base = o.base === undefined ? undefined : toLocation(o.base);
  const registries = [image, ...(base === undefined ? [] : [base])].flatMap(registriesOf);
  return await reachRegistries(o, registries, async access => await listImage(image, base, access, o));
}

async function listImage(
  image: Location,
  base: Location | undefined,
  access: RegistryAccess,
  o: ListContents,
): Promise<Inventory> {
  const call: Call = o.signal === undefined ? {} : { signal: o.signal };
  const { registry, reference, location } = await open(image, access, call);
  const root = await registry.manifest(reference, call);
  const manifest = await chooseImage(registry, root, o.platform, {
    ...call,
    ...(o.onChoice !== undefined && { onChoice: o.onChoice }),
  });
  const found = await findBase({ base, image: location, registry, root, manifest }, access, {
    ...call,
    ...(o.onNote !== undefined && { onNote: o.onNote }),
  });
  const bases = found === undefined ? [] : [await readDiffIds(found.registry, found.manifest, call)];
  const inventory = await catalogueImage(registry, manifest.descriptor, {
    ...call,
    name: nameOf(location, manifest),
    bases,
    ...(o.cache !== false && { cacheFolder: layerCacheFolder(o.env) }),
    ...(o.onLayer !== undefined && { onLayer: o.onLayer }),
  });
  return withTime(inventory, o.env);
}

/** Where what was found in layers is kept for the next time. */
export function layerCacheFolder(env: Environment): string {
  return join(cacheFolder(env), 'layers');
}

/** By its digest and not by its tag: the same image has one name. */
function nameOf(location: Location, { descriptor }: Manifest): string {
  if (location.kind !== 'registry') return formatLocation(location);
  const { registry, repository } = location.reference;
  return formatImageReference({ registry, repository, digest: descriptor.digest });
}

function folderOf(target: string, cwd: string): string | undefined {
  if (target.startsWith('dir:')) return resolve(cwd, target.slice(4));
  const isPath = /^(?:[./~\\]|[A-Za-z]:\\)/.test(target);
  const path = resolve(cwd, target);
  if (!isPath || !isFolder(path)) return undefined;
  // A layout is a folder too, and its blobs are not what is meant.
  return isFile(join(path, 'oci-layout')) ? undefined : path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function listFolder(folder: string, o: ListContents): Promise<Inventory> {
  for (const [flag, value] of [
    ['--platform', o.platform],
    ['--base', o.base],
  ]) {
    if (value !== undefined)
      throw new Fault('USAGE', {
        what: `a folder has no ${flag}`,
        actual: `${flag} ${value}`,
        next: `cg sbom ${o.target}`,
      });
  }
  const inventory = await catalogueFolder(folder, {
    name: o.target,
    ...(o.signal !== undefined && { signal: o.signal }),
  });
  return withTime(inventory, o.env);
}

/** An image without a time of its own takes the one that reproducible builds agree on. */
function withTime(inventory: Inventory, env: Environment): Inventory {
  const epoch = env['SOURCE_DATE_EPOCH'];
  if (inventory.subject.created !== undefined || !/^\d{1,11}$/.test(epoch ?? '')) return inventory;
  const created = `${new Date(Number(epoch) * 1000).toISOString().slice(0, 19)}Z`;
  return { ...inventory, subject: { ...inventory.subject, created } };
}

import {
  type Distribution,
  type Inventory,
  type InventoryProblem,
  type InventorySubject,
  type Package,
  packageKey,
} from '../../model/inventory.ts';
import { packageUrlOf } from '../../model/package-url.ts';
import type { FoundPackage } from './cataloguer.ts';
import { allCataloguers } from './cataloguers/all.ts';
import { chooseDistribution } from './choose-distribution.ts';
import { normalisePath, resolvePath } from './layer/path.ts';
import { databaseKey, layerNamer, type MergedFile, type MergedView } from './layer/squash.ts';

/** Databases count only where the system itself keeps them; those of a root inside the root are another system's. */
const databasePlaces = [
  'var/lib/dpkg/status',
  'usr/lib/opkg/status',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  ...['var/lib', 'usr/lib/sysimage', 'usr/share'].flatMap(folder =>
    ['rpmdb.sqlite', 'Packages.db', 'Packages'].map(name => `${folder}/rpm/${name}`),
  ),
];
const databaseFolders = ['var/lib/dpkg/status.d', 'var/lib/dpkg/info'];

/** Makes the inventory out of the merged view: distribution, owners, layers, package URLs, one order. */
export function assemble(subject: InventorySubject, view: MergedView): Inventory {
  const distribution = chooseDistribution(view);
  const system = findSystem(view);
  const { files, problems } = system;
  const layerOf = layerNamer(subject.layers);
  const owners = findOwners(files, view);
  const packages = files.flatMap(file =>
    (file.findings.packages ?? []).map(found => toPackage(found, file, distribution, owners, layerOf)),
  );
  return {
    subject,
    ...(distribution !== undefined && { distribution }),
    packages: sortPackages(packages),
    cataloguers: allCataloguers.map(({ id }) => id),
    problems: sortProblems([...view.problems, ...problems]),
  };
}

interface SystemFiles {
  readonly files: readonly MergedFile[];
  readonly problems: readonly InventoryProblem[];
}

function findSystem(view: MergedView): SystemFiles {
  const places = new Set(databasePlaces.map(path => resolvePath(path, view.links)));
  const folders = databaseFolders.map(path => `${resolvePath(path, view.links)}/`);
  const problems: InventoryProblem[] = [];
  const files = view.files.filter(({ path, cataloguer, findings }) => {
    const isPart = /(?:^|\/)var\/lib\/dpkg\/(?:status\.d|info)\//.test(path) && cataloguer === 'dpkg';
    const belongs = findings.database
      ? places.has(path)
      : !isPart || folders.some(start => path.startsWith(start));
    if (!belongs && (findings.packages?.length ?? 0) > 0) {
      problems.push({
        cataloguer,
        path,
        message: 'a package database of another root; its packages are not listed',
      });
    }
    return belongs;
  });
  return { files, problems };
}

function toPackage(
  { inside, owns: _owns, ...found }: FoundPackage,
  file: MergedFile,
  distribution: Distribution | undefined,
  owners: ReadonlyMap<string, string>,
  layerOf: ReturnType<typeof layerNamer>,
): Package {
  const layer = layerOf(file.since?.get(databaseKey(found)) ?? file.layer);
  const owner = owners.get(file.path);
  return {
    ...found,
    purl: packageUrlOf(found, distribution),
    path: `${file.path}${inside ?? ''}`,
    foundBy: file.cataloguer,
    ...(layer !== undefined && { layer }),
    ...(owner !== undefined && { ownedBy: owner }),
  };
}

/** From the path of a file to the key of the system's package that brought it. */
function findOwners(files: readonly MergedFile[], view: MergedView): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const own = (paths: readonly string[], key: string): void => {
    for (const path of paths) {
      const place = resolvePath(normalisePath(path) ?? '', view.links);
      if (place !== undefined) owners.set(place, key);
    }
  };
  const systemKeys = new Map<string, string>();
  for (const { findings, cataloguer } of files) {
    for (const found of findings.packages ?? []) {
      if (found.owns !== undefined) own(found.owns, packageKey(found));
      if (cataloguer === 'dpkg') systemKeys.set(found.name, packageKey(found));
    }
  }
  for (const { findings } of files) {
    const key = findings.owned === undefined ? undefined : systemKeys.get(findings.owned.name);
    if (key !== undefined) own(findings.owned?.paths ?? [], key);
  }
  return owners;
}

function sortPackages(packages: readonly Package[]): Package[] {
  const keyed = packages.map(found => ({
    found,
    key: `${packageKey(found)}\0${found.path}\0${found.arch ?? ''}`,
  }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  // A jar can hold the same coordinates twice.
  return keyed.filter(({ key }, at) => key !== keyed[at - 1]?.key).map(({ found }) => found);
}

function sortProblems(problems: readonly InventoryProblem[]): InventoryProblem[] {
  const keyed = problems.map(problem => ({
    problem,
    key: `${problem.path}\0${problem.cataloguer}\0${problem.message}`,
  }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.filter(({ key }, at) => key !== keyed[at - 1]?.key).map(({ problem }) => problem);
}

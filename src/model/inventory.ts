/** What is installed in one image, platform by platform: pure data, equal bytes in give equal bytes out. */
export interface Inventory {
  /** What was catalogued, as people know it: `127.0.0.1:5000/shop/web@sha256:…`, `oci:./out`, a folder. */
  readonly subject: InventorySubject;
  readonly distribution?: Distribution;
  /** Sorted by package key, then by path. */
  readonly packages: readonly Package[];
  /** Which cataloguers ran; one that failed is a problem and never a shorter list. */
  readonly cataloguers: readonly string[];
  readonly problems: readonly InventoryProblem[];
}

export interface InventorySubject {
  readonly name: string;
  /** Digest of the image manifest; absent for a folder. */
  readonly digest?: string;
  /** Digest of the config, which scanners call the image's ID. */
  readonly imageId?: string;
  readonly platform?: string;
  /** When the image says it was made (RFC 3339): the only time that an SBOM of it may carry. */
  readonly created?: string;
  readonly layers: readonly InventoryLayer[];
}

export interface InventoryLayer {
  readonly diffId: string;
  readonly digest?: string;
  /** True when the layer comes from the base image. */
  readonly inherited: boolean;
}

/** What /etc/os-release and its elders say. */
export interface Distribution {
  readonly id: string;
  readonly versionId?: string;
  readonly idLike?: readonly string[];
  readonly name?: string;
  readonly codename?: string;
  /** Alpine's repository stream (`v3.20`, `edge`), which overrides the release in the advisories. */
  readonly stream?: string;
  /** Red Hat content sets, which select the advisories that apply. */
  readonly contentSets?: readonly string[];
}

export type PackageType = 'deb' | 'apk' | 'rpm' | 'npm' | 'pypi' | 'golang' | 'maven' | 'gem';

export interface Package {
  readonly type: PackageType;
  /** Maven's group, npm's scope with its @, Go's module path above the last element: as the type's purl has it. */
  readonly namespace?: string;
  readonly name: string;
  /** The whole version as the ecosystem writes it: `1:2.3-4` with its epoch for deb and rpm. */
  readonly version: string;
  readonly arch?: string;
  readonly purl: string;
  /** The source package that advisories speak of, when it is not the package itself. */
  readonly source?: { readonly name: string; readonly version: string };
  readonly licenses?: readonly string[];
  readonly supplier?: string;
  /** rpm's module label, `nodejs:18:…`. */
  readonly module?: string;
  /** The file that told of it: a package database, a METADATA file, a jar inside a jar as `a.jar!/b.jar`. */
  readonly path: string;
  readonly layer?: { readonly index: number; readonly diffId: string; readonly inherited: boolean };
  /** Key of the operating system's package that owns the file. */
  readonly ownedBy?: string;
  readonly foundBy: string;
}

export interface InventoryProblem {
  readonly cataloguer: string;
  readonly path: string;
  readonly message: string;
}

/** `deb|libssl3|3.0.11-1`: what makes two claims speak of the same package. Never a comparison of purl texts. */
export function packageKey(found: Pick<Package, 'type' | 'namespace' | 'name' | 'version'>): string {
  return `${found.type}|${packageName(found)}|${found.version}`;
}

/** The name inside its ecosystem; the namespace of a distribution says nothing that the image does not say. */
export function packageName(found: Pick<Package, 'type' | 'namespace' | 'name'>): string {
  const isSystem = found.type === 'deb' || found.type === 'apk' || found.type === 'rpm';
  return found.namespace === undefined || isSystem ? found.name : `${found.namespace}/${found.name}`;
}

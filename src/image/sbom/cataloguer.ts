import type { Fault } from '../../ground/fault/fault.ts';
import type { Distribution, Package } from '../../model/inventory.ts';

/** A regular file in a layer or a folder, before its content is seen. */
export interface CandidateFile {
  /** Without a slash in front, without `.` and `..`. */
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

/** What one kind of package leaves behind on disk, and how to read it. */
export interface Cataloguer {
  readonly id: string;
  /** Undefined for files that say nothing to this cataloguer. It must be quick: it sees every file. */
  open(file: CandidateFile): FileReader | undefined;
}

/** Takes a file piece by piece. Faults become problems of the inventory; anything else is a bug. */
export interface FileReader {
  /** A piece is valid only during the call. */
  write(piece: Uint8Array): void;
  end(): FileFindings;
}

/** A package before its place in the image is known: whose layer, which distribution, which owner. */
export interface FoundPackage
  extends Pick<
    Package,
    'type' | 'namespace' | 'name' | 'version' | 'arch' | 'source' | 'licenses' | 'supplier' | 'module'
  > {
  /** Inside the file, as in `a.jar!/b.jar`: what follows the file's own path. */
  readonly inside?: string;
  /** Files of the package that tell of packages themselves; without a slash in front. */
  readonly owns?: readonly string[];
}

export interface FileFindings {
  readonly packages?: readonly FoundPackage[];
  /** A database names everything that is installed; its packages belong to the layer that first listed them. */
  readonly database?: true;
  readonly distribution?: Partial<Distribution>;
  /** Files that belong to the named packages of the database beside this file. */
  readonly owned?: { readonly name: string; readonly paths: readonly string[] };
  readonly problems?: readonly string[];
}

/** Of the files that a package owns, only those that tell of packages matter; the rest would fill the cache. */
export function tellsOfPackages(path: string): boolean {
  return /(?:^|\/)(?:METADATA|PKG-INFO|package\.json|[^/]+\.(?:egg-info|gemspec|jar|war|ear|par|jpi|hpi)|s?bin\/[^/]+|libexec\/.+|lib\/[^/]+\/bin\/[^/]+)$/.test(
    path,
  );
}

export type Refusal = (actual: string) => Fault;

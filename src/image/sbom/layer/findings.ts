import type { InventoryProblem } from '../../../model/inventory.ts';
import type { FileFindings } from '../cataloguer.ts';

/** What one layer says, for itself alone: it is the same in every image that has the layer. */
export interface LayerFindings {
  readonly files: readonly FoundFile[];
  /** Every other entry, because it hides what lower layers have at its path. */
  readonly plainFiles: readonly string[];
  readonly directories: readonly string[];
  readonly symlinks: readonly Link[];
  readonly hardLinks: readonly Link[];
  readonly whiteouts: readonly string[];
  readonly opaque: readonly string[];
  readonly problems: readonly InventoryProblem[];
}

export interface FoundFile {
  readonly path: string;
  readonly cataloguer: string;
  readonly findings: FileFindings;
}

/** A path and where it leads, as written. */
export type Link = readonly [path: string, target: string];

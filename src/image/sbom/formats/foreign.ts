import { z } from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import {
  type Distribution,
  type Inventory,
  type InventoryProblem,
  type InventorySubject,
  type Package,
  packageKey,
} from '../../../model/inventory.ts';
import { distributionFromUrls } from './package-from-url.ts';

/** What a document must be for us to read it; the rest of it is not looked at. */
export function readShape<T extends z.ZodType>(shape: T, document: unknown, where: string): z.output<T> {
  const { data, error } = shape.safeParse(document);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  throw new Fault('SBOM_INVALID', {
    what: `${where} is not the SBOM that it says it is`,
    where: `${where} at ${issue?.path.map(String).join('.') || 'the top'}`,
    actual: issue?.message ?? 'unreadable',
  });
}

/** Counts what a document has and an inventory has no place for: nothing gets lost in silence. */
export class SkippedPackages {
  readonly #counts = new Map<string, number>();

  add(purl: string | undefined): void {
    const type = /^pkg:\/*([^/?#]+)\//.exec(purl ?? '')?.[1]?.toLowerCase();
    const kind = type === undefined ? 'without a package URL' : `of the type ${type}`;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  problems(where: string): InventoryProblem[] {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, count]) => ({
        cataloguer: 'sbom',
        path: where,
        message: `${count} ${count === 1 ? 'package' : 'packages'} ${kind} cannot be listed`,
      }));
  }
}

/** An inventory out of what another tool wrote. */
export function foreignInventory(
  subject: InventorySubject,
  packages: readonly Package[],
  distribution: Distribution | undefined,
  problems: readonly InventoryProblem[],
): Inventory {
  const found = distribution ?? distributionFromUrls(packages);
  const keyed = packages.map(one => ({ one, key: `${packageKey(one)}\0${one.path}\0${one.arch ?? ''}` }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return {
    subject,
    ...(found !== undefined && { distribution: found }),
    packages: keyed.filter(({ key }, at) => key !== keyed[at - 1]?.key).map(({ one }) => one),
    cataloguers: [...new Set(packages.map(({ foundBy }) => foundBy))].sort(),
    problems,
  };
}

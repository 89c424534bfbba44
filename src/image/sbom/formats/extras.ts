import { z } from 'zod';
import type { Inventory, Package } from '../../../model/inventory.ts';

/** Marks what only we write, so that what we have written reads back as it was. */
export const extrasMark = 'cascadeguard:';

const Text = z.string().max(10_000);
const Layer = z.object({ index: z.int().min(0), diffId: Text, inherited: z.boolean() });

const PackageExtras = z.object({
  type: z.enum(['deb', 'apk', 'rpm', 'npm', 'pypi', 'golang', 'maven', 'gem']),
  namespace: Text.optional(),
  name: Text,
  version: Text,
  arch: Text.optional(),
  source: z.object({ name: Text, version: Text }).optional(),
  licenses: z.array(Text).optional(),
  supplier: Text.optional(),
  module: Text.optional(),
  path: Text,
  layer: Layer.optional(),
  ownedBy: Text.optional(),
  foundBy: Text,
});

const InventoryExtras = z.object({
  subject: z.object({
    name: Text,
    digest: Text.optional(),
    imageId: Text.optional(),
    platform: Text.optional(),
    created: Text.optional(),
    layers: z.array(z.object({ diffId: Text, digest: Text.optional(), inherited: z.boolean() })),
  }),
  distribution: z
    .object({
      id: Text,
      versionId: Text.optional(),
      idLike: z.array(Text).optional(),
      name: Text.optional(),
      codename: Text.optional(),
      stream: Text.optional(),
      contentSets: z.array(Text).optional(),
    })
    .optional(),
  cataloguers: z.array(Text),
  problems: z.array(z.object({ cataloguer: Text, path: Text, message: Text })),
});

export function formatPackageExtras({ purl: _purl, ...found }: Package): string {
  return JSON.stringify(found);
}

export function formatInventoryExtras({ packages: _packages, ...rest }: Inventory): string {
  return JSON.stringify(rest);
}

/** Undefined for what another tool wrote, or what was changed so that it no longer fits. */
export function parsePackageExtras(text: string | undefined, purl: string): Package | undefined {
  const { data } = PackageExtras.safeParse(parse(text));
  return data === undefined ? undefined : ({ ...data, purl } as Package);
}

export function parseInventoryExtras(text: string | undefined): Omit<Inventory, 'packages'> | undefined {
  return InventoryExtras.safeParse(parse(text)).data as Omit<Inventory, 'packages'> | undefined;
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

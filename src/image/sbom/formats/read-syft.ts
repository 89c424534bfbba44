import { z } from 'zod';
import type { Distribution, Inventory, InventorySubject, Package } from '../../../model/inventory.ts';
import { foreignInventory, readShape, SkippedPackages } from './foreign.ts';
import { packageFromUrl } from './package-from-url.ts';

const Artifact = z.looseObject({
  name: z.string(),
  version: z.string(),
  purl: z.string().optional(),
  foundBy: z.string().optional(),
  locations: z.array(z.looseObject({ path: z.string(), layerID: z.string().optional() })).optional(),
  licenses: z.array(z.union([z.string(), z.looseObject({ value: z.string() })])).nullish(),
});

const Syft = z.looseObject({
  artifacts: z.array(Artifact),
  distro: z
    .looseObject({
      id: z.string().optional(),
      versionID: z.string().optional(),
      idLike: z.array(z.string()).optional(),
      prettyName: z.string().optional(),
      versionCodename: z.string().optional(),
    })
    .optional(),
  source: z.looseObject({ name: z.string().optional(), metadata: z.unknown().optional() }).optional(),
});

const ImageMetadata = z.looseObject({
  userInput: z.string().optional(),
  imageID: z.string().optional(),
  manifestDigest: z.string().optional(),
  layers: z.array(z.looseObject({ digest: z.string() })).optional(),
});

export function readSyft(document: object, where: string): Inventory {
  const { artifacts, distro, source } = readShape(Syft, document, where);
  const subject = readSubject(source, where);
  const skipped = new SkippedPackages();
  const packages = artifacts.flatMap(artifact => {
    const found = toPackage(artifact, subject, where);
    if (found === undefined) skipped.add(artifact.purl || undefined);
    return found ?? [];
  });
  return foreignInventory(subject, packages, readDistribution(distro), skipped.problems(where));
}

function toPackage(
  { purl, locations = [], licenses, foundBy = 'syft' }: z.infer<typeof Artifact>,
  subject: InventorySubject,
  where: string,
): Package | undefined {
  if (!purl) return undefined;
  const [first] = locations;
  const index = subject.layers.findIndex(({ diffId }) => diffId === first?.layerID);
  const names = (licenses ?? []).map(one => (typeof one === 'string' ? one : one.value));
  return packageFromUrl(purl, {
    path: first?.path.replace(/^\//, '') ?? where,
    foundBy,
    ...(names.length > 0 && { licenses: names }),
    ...(index !== -1 && {
      layer: { index, diffId: subject.layers[index]?.diffId ?? '', inherited: false },
    }),
  });
}

function readSubject(source: z.infer<typeof Syft>['source'], where: string): InventorySubject {
  const { data } = ImageMetadata.safeParse(source?.metadata);
  return {
    name: data?.userInput ?? source?.name ?? where,
    ...(data?.manifestDigest !== undefined && { digest: data.manifestDigest }),
    ...(data?.imageID !== undefined && { imageId: data.imageID }),
    layers: (data?.layers ?? []).map(({ digest }) => ({ diffId: digest, inherited: false })),
  };
}

function readDistribution(distro: z.infer<typeof Syft>['distro']): Distribution | undefined {
  if (distro?.id === undefined || distro.id === '') return undefined;
  const { id, versionID, idLike = [], prettyName, versionCodename } = distro;
  return {
    id,
    ...(versionID && { versionId: versionID }),
    ...(idLike.length > 0 && { idLike }),
    ...(prettyName && { name: prettyName }),
    ...(versionCodename && { codename: versionCodename }),
  };
}

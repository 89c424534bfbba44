import { z } from 'zod';
import type { Distribution, Inventory, InventorySubject, Package } from '../../../model/inventory.ts';
import { extrasMark, parseInventoryExtras, parsePackageExtras } from './extras.ts';
import { fromFamily } from './families.ts';
import { foreignInventory, readShape, SkippedPackages } from './foreign.ts';
import { packageFromUrl } from './package-from-url.ts';

const SpdxPackage = z.looseObject({
  SPDXID: z.string(),
  name: z.string(),
  versionInfo: z.string().optional(),
  supplier: z.string().optional(),
  licenseDeclared: z.string().optional(),
  primaryPackagePurpose: z.string().optional(),
  sourceInfo: z.string().optional(),
  externalRefs: z
    .array(z.looseObject({ referenceType: z.string(), referenceLocator: z.string() }))
    .optional(),
  annotations: z.array(z.looseObject({ comment: z.string() })).optional(),
});
type SpdxPackage = z.infer<typeof SpdxPackage>;

const Spdx = z.looseObject({
  name: z.string(),
  creationInfo: z.looseObject({ created: z.string(), creators: z.array(z.string()) }),
  documentDescribes: z.array(z.string()).optional(),
  packages: z.array(SpdxPackage).optional(),
  relationships: z
    .array(
      z.looseObject({
        spdxElementId: z.string(),
        relationshipType: z.string(),
        relatedSpdxElement: z.string(),
      }),
    )
    .optional(),
});

export function readSpdx(document: object, where: string): Inventory {
  const { name, creationInfo, packages = [], ...rest } = readShape(Spdx, document, where);
  const described = new Set([
    ...(rest.documentDescribes ?? []),
    ...(rest.relationships ?? [])
      .filter(one => one.relationshipType === 'DESCRIBES' && one.spdxElementId === 'SPDXRef-DOCUMENT')
      .map(one => one.relatedSpdxElement),
  ]);
  const tool = /^Tool: (.+?)(?:-v?\d.*)?$/.exec(
    creationInfo.creators.find(one => one.startsWith('Tool:')) ?? '',
  );
  const skipped = new SkippedPackages();
  const found: Package[] = [];
  let distribution: Distribution | undefined;
  let ours: Omit<Inventory, 'packages'> | undefined;
  let subject: InventorySubject = { name, layers: [] };
  for (const one of packages) {
    if (described.has(one.SPDXID)) {
      ours ??= parseInventoryExtras(extrasOf(one, 'inventory'));
      subject = { ...subject, ...readDigest(one) };
      if (purlOf(one) === undefined || /^pkg:(?:oci|docker)\//.test(purlOf(one) ?? '')) continue;
    }
    if (/^OPERATING[_-]SYSTEM$/.test(one.primaryPackagePurpose ?? '')) {
      distribution = {
        id: fromFamily(one.name),
        ...(one.versionInfo !== undefined && { versionId: one.versionInfo }),
      };
      continue;
    }
    const read = toPackage(one, tool?.[1] ?? 'spdx', where);
    if (read === undefined) skipped.add(purlOf(one));
    else found.push(read);
  }
  const read = foreignInventory(subject, found, distribution, skipped.problems(where));
  return ours === undefined
    ? read
    : { ...ours, packages: read.packages, problems: [...ours.problems, ...read.problems] };
}

function toPackage(one: SpdxPackage, foundBy: string, where: string): Package | undefined {
  const purl = purlOf(one);
  if (purl === undefined) return undefined;
  const ours = parsePackageExtras(extrasOf(one, 'package'), purl);
  if (ours !== undefined) return ours;
  const supplier = /^(?:Organization|Person): (.+)$/.exec(one.supplier ?? '')?.[1];
  const licence = one.licenseDeclared;
  const source = /^built package from: (\S+) (\S+)$/.exec(one.sourceInfo ?? '');
  return packageFromUrl(purl, {
    path: pathOf(one) ?? where,
    foundBy,
    ...(supplier !== undefined && { supplier }),
    ...(licence !== undefined && !/^(?:NOASSERTION|NONE)$/.test(licence) && { licenses: [licence] }),
    ...(source?.[1] !== undefined &&
      source[2] !== undefined && { source: { name: source[1], version: source[2] } }),
  });
}

/** Syft writes the paths at the end of a sentence. */
function pathOf({ sourceInfo }: SpdxPackage): string | undefined {
  return /(?:from the following paths|from [\w ]+ DB|found in):? (\/?[^,]+)/
    .exec(sourceInfo ?? '')?.[1]
    ?.replace(/^\//, '');
}

function purlOf({ externalRefs = [] }: SpdxPackage): string | undefined {
  return externalRefs.find(({ referenceType }) => /^(?:purl|.*\/purl)$/.test(referenceType))
    ?.referenceLocator;
}

function extrasOf({ annotations = [] }: SpdxPackage, kind: string): string | undefined {
  const start = `${extrasMark}${kind} `;
  return annotations.find(({ comment }) => comment.startsWith(start))?.comment.slice(start.length);
}

function readDigest({ versionInfo }: SpdxPackage): Partial<InventorySubject> {
  return versionInfo !== undefined && /^sha256:[0-9a-f]{64}$/.test(versionInfo)
    ? { digest: versionInfo }
    : {};
}

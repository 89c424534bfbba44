import { z } from 'zod';
import type { Distribution, Inventory, InventorySubject, Package } from '../../../model/inventory.ts';
import { extrasMark, parseInventoryExtras, parsePackageExtras } from './extras.ts';
import { fromFamily } from './families.ts';
import { foreignInventory, readShape, SkippedPackages } from './foreign.ts';
import { packageFromUrl } from './package-from-url.ts';

const Component = z.looseObject({
  type: z.string(),
  name: z.string(),
  version: z.string().optional(),
  purl: z.string().optional(),
  supplier: z.looseObject({ name: z.string().optional() }).optional(),
  licenses: z
    .array(
      z.looseObject({
        expression: z.string().optional(),
        license: z.looseObject({ id: z.string().optional(), name: z.string().optional() }).optional(),
      }),
    )
    .optional(),
  properties: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
  /** Components of components. */
  components: z.array(z.unknown()).optional(),
});
type Component = z.infer<typeof Component>;

const CycloneDx = z.looseObject({
  metadata: z.looseObject({ timestamp: z.string().optional(), component: Component.optional() }).optional(),
  components: z.array(Component).optional(),
});

const deepest = 16;

export function readCycloneDx(document: object, where: string): Inventory {
  const { metadata, components = [] } = readShape(CycloneDx, document, where);
  const ours = parseInventoryExtras(propertyOf(metadata?.component, `${extrasMark}inventory`));
  const skipped = new SkippedPackages();
  const packages: Package[] = [];
  let distribution: Distribution | undefined;
  for (const component of flatten(components, where, 0)) {
    if (component.type === 'operating-system') {
      const { name, version } = component;
      const id = propertyOf(component, 'syft:distro:id') ?? fromFamily(name);
      distribution = { id, ...(version !== undefined && { versionId: version }) };
    } else if (component.type === 'library' || component.purl !== undefined) {
      const found = toPackage(component, where);
      if (found === undefined) skipped.add(component.purl);
      else packages.push(found);
    }
  }
  const subject = ours?.subject ?? readSubject(metadata?.component, where);
  const read = foreignInventory(subject, packages, distribution, skipped.problems(where));
  return ours === undefined
    ? read
    : { ...ours, packages: read.packages, problems: [...ours.problems, ...read.problems] };
}

function flatten(components: readonly Component[], where: string, depth: number): Component[] {
  if (depth === deepest) return [];
  return components.flatMap(component => [
    component,
    ...flatten(
      (component.components ?? []).map(one => readShape(Component, one, where)),
      where,
      depth + 1,
    ),
  ]);
}

function readSubject(component: Component | undefined, where: string): InventorySubject {
  const digest = /sha256:[0-9a-f]{64}/.exec(
    [component?.version, propertyOf(component, 'aquasecurity:trivy:RepoDigest')].join(' '),
  )?.[0];
  const imageId = propertyOf(component, 'aquasecurity:trivy:ImageID');
  const diffIds = (component?.properties ?? []).filter(({ name }) => name === 'aquasecurity:trivy:DiffID');
  return {
    name: component?.name ?? where,
    ...(digest !== undefined && { digest }),
    ...(imageId !== undefined && { imageId }),
    layers: diffIds.flatMap(({ value }) =>
      value === undefined ? [] : [{ diffId: value, inherited: false }],
    ),
  };
}

function toPackage(component: Component, where: string): Package | undefined {
  const { purl, supplier, licenses = [] } = component;
  if (purl === undefined) return undefined;
  const ours = parsePackageExtras(propertyOf(component, `${extrasMark}package`), purl);
  if (ours !== undefined) return ours;
  const trivy = (name: string): string | undefined => propertyOf(component, `aquasecurity:trivy:${name}`);
  const path = trivy('FilePath') ?? propertyOf(component, 'syft:location:0:path');
  const names = licenses.flatMap(one => one.expression ?? one.license?.id ?? one.license?.name ?? []);
  const module = trivy('Modularitylabel') ?? propertyOf(component, 'syft:metadata:modularityLabel');
  const source = readSource(trivy);
  return packageFromUrl(purl, {
    path: path?.replace(/^\//, '') ?? where,
    foundBy: propertyOf(component, 'syft:package:foundBy') ?? trivy('PkgType') ?? 'cyclonedx',
    ...(supplier?.name && { supplier: supplier.name }),
    ...(names.length > 0 && { licenses: names }),
    ...(module && { module }),
    ...(source !== undefined && { source }),
  });
}

function readSource(trivy: (name: string) => string | undefined): Package['source'] {
  const [name, version, release, epoch] = ['SrcName', 'SrcVersion', 'SrcRelease', 'SrcEpoch'].map(trivy);
  if (name === undefined || version === undefined) return undefined;
  const start = epoch === undefined || epoch === '0' ? '' : `${epoch}:`;
  return { name, version: `${start}${version}${release ? `-${release}` : ''}` };
}

function propertyOf(component: Component | undefined, wanted: string): string | undefined {
  return component?.properties?.find(({ name }) => name === wanted)?.value;
}

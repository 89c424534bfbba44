import type { Inventory, Package } from '../../../model/inventory.ts';
import { productUris } from '../../../model/product-uris.ts';
import { extrasMark, formatInventoryExtras, formatPackageExtras } from './extras.ts';
import { toFamily } from './families.ts';
import { documentTime, fingerprint, imageUrl, isSystemPackage, packageId } from './identity.ts';
import { declareLicences } from './licences.ts';

export interface SbomWriting {
  /** Version of this program, for the document's creator. */
  readonly version?: string;
}

const root = 'SPDXRef-Image';
const system = 'SPDXRef-OperatingSystem';

/** SPDX 2.3 as JSON; equal inventories give equal bytes. */
export function writeSpdx(inventory: Inventory, o: SbomWriting = {}): string {
  const { subject, distribution, packages } = inventory;
  const time = documentTime(subject);
  const note = (comment: string): object => ({
    annotationDate: time,
    annotationType: 'OTHER',
    annotator: 'Tool: cascadeguard',
    comment,
  });
  const references = licenceReferences(packages);
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    documentNamespace: `${productUris.sboms}${fingerprint(inventory)}`,
    creationInfo: {
      created: time,
      creators: ['Organization: CascadeGuard', `Tool: cascadeguard-${o.version ?? 'source'}`],
    },
    documentDescribes: [root],
    packages: [
      rootPackage(inventory, note),
      ...(distribution === undefined ? [] : [systemPackage(inventory)]),
      ...packages.map(found => toSpdxPackage(found, inventory, note)),
    ],
    relationships: relationshipsOf(inventory),
    ...(references.length > 0 && { hasExtractedLicensingInfos: references }),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

type Note = (comment: string) => object;

const unknown = { downloadLocation: 'NOASSERTION', filesAnalyzed: false, copyrightText: 'NOASSERTION' };

function rootPackage(inventory: Inventory, note: Note): object {
  const { subject } = inventory;
  const url = imageUrl(subject);
  const hex = /^sha(256|512):([0-9a-f]+)$/.exec(subject.digest ?? '');
  return {
    SPDXID: root,
    name: subject.name,
    ...(subject.digest !== undefined && { versionInfo: subject.digest }),
    ...unknown,
    supplier: 'NOASSERTION',
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    primaryPackagePurpose: subject.digest === undefined ? 'SOURCE' : 'CONTAINER',
    ...(hex !== null && { checksums: [{ algorithm: `SHA${hex[1]}`, checksumValue: hex[2] }] }),
    ...(url !== undefined && { externalRefs: [purlReference(url)] }),
    annotations: [note(`${extrasMark}inventory ${formatInventoryExtras(inventory)}`)],
  };
}

function systemPackage({ distribution }: Inventory): object {
  return {
    SPDXID: system,
    name: toFamily(distribution?.id ?? ''),
    ...(distribution?.versionId !== undefined && { versionInfo: distribution.versionId }),
    ...unknown,
    supplier: 'NOASSERTION',
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    primaryPackagePurpose: 'OPERATING_SYSTEM',
    ...(distribution?.name !== undefined && { description: distribution.name }),
  };
}

function toSpdxPackage(found: Package, { subject }: Inventory, note: Note): object {
  const layer = found.layer === undefined ? undefined : subject.layers[found.layer.index];
  return {
    SPDXID: `SPDXRef-${packageId(found)}`,
    name: spdxName(found),
    ...(found.version !== '' && { versionInfo: found.version }),
    ...unknown,
    supplier: found.supplier === undefined ? 'NOASSERTION' : `Organization: ${oneLine(found.supplier)}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: declareLicences(found.licenses ?? []).expression,
    primaryPackagePurpose: 'LIBRARY',
    sourceInfo:
      found.source === undefined
        ? `found in ${found.path}`
        : `built package from: ${found.source.name} ${found.source.version}`,
    externalRefs: [purlReference(found.purl)],
    annotations: [
      note(`${extrasMark}package ${formatPackageExtras(found)}`),
      ...(layer?.digest === undefined ? [] : [note(`LayerDigest: ${layer.digest}`)]),
      ...(layer === undefined ? [] : [note(`LayerDiffID: ${layer.diffId}`)]),
    ],
  };
}

/** The name that scanners expect beside a purl: with its scope, group or module path. */
function spdxName({ type, namespace, name }: Package): string {
  if (namespace === undefined) return name;
  return type === 'maven' ? `${namespace}:${name}` : `${namespace}/${name}`;
}

function purlReference(purl: string): object {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
}

function relationshipsOf({ distribution, packages }: Inventory): object[] {
  const relate = (from: string, relationshipType: string, to: string): object => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  return [
    relate('SPDXRef-DOCUMENT', 'DESCRIBES', root),
    ...(distribution === undefined ? [] : [relate(root, 'CONTAINS', system)]),
    ...packages.map(found => {
      const parent = distribution !== undefined && isSystemPackage(found) ? system : root;
      return relate(parent, 'CONTAINS', `SPDXRef-${packageId(found)}`);
    }),
  ];
}

function licenceReferences(packages: readonly Package[]): object[] {
  const all = new Map(packages.flatMap(({ licenses = [] }) => [...declareLicences(licenses).references]));
  return [...all]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licenseId, text]) => ({ licenseId, name: text, extractedText: text }));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

import type { Inventory, InventorySubject, Package } from '../../../model/inventory.ts';
import { extrasMark, formatInventoryExtras, formatPackageExtras } from './extras.ts';
import { toFamily } from './families.ts';
import { documentTime, fingerprint, imageUrl, isSystemPackage, packageId } from './identity.ts';
import { isExpression } from './licences.ts';
import type { SbomWriting } from './write-spdx.ts';

const root = 'image';
const system = 'operating-system';

/** CycloneDX 1.6 as JSON; equal inventories give equal bytes. */
export function writeCycloneDx(inventory: Inventory, o: SbomWriting = {}): string {
  const { subject, distribution, packages } = inventory;
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: toUuid(fingerprint(inventory)),
    version: 1,
    metadata: {
      timestamp: documentTime(subject),
      lifecycles: [{ phase: 'post-build' }],
      tools: {
        components: [
          { type: 'application', group: 'cascadeguard', name: 'cg', version: o.version ?? 'source' },
        ],
      },
      component: rootComponent(inventory),
    },
    components: [
      ...(distribution === undefined ? [] : [systemComponent(inventory)]),
      ...packages.map(found => toComponent(found, subject)),
    ],
    dependencies: dependenciesOf(inventory),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** A UUID of version 8: made of a hash, by a rule of one's own (RFC 9562, 5.8). */
function toUuid(hex: string): string {
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(13, 16),
    hex.slice(17, 20),
    hex.slice(20, 32),
  ];
  return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`;
}

type Property = { readonly name: string; readonly value: string };

/** The names under which scanners look for what no field of the format holds. */
function scannerProperties(values: Readonly<Record<string, string | undefined>>): Property[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name: `aquasecurity:trivy:${name}`, value }],
  );
}

function rootComponent(inventory: Inventory): object {
  const { subject } = inventory;
  const purl = imageUrl(subject);
  const hex = /^sha(256|512):([0-9a-f]+)$/.exec(subject.digest ?? '');
  const repository = subject.name.replace(/@.*$/, '').replace(/:[^/]*$/, '');
  return {
    'bom-ref': root,
    type: subject.digest === undefined ? 'file' : 'container',
    name: subject.name,
    ...(subject.digest !== undefined && { version: subject.digest }),
    ...(hex !== null && { hashes: [{ alg: `SHA-${hex[1]}`, content: hex[2] }] }),
    ...(purl !== undefined && { purl }),
    properties: [
      { name: `${extrasMark}inventory`, value: formatInventoryExtras(inventory) },
      ...subject.layers.flatMap(({ diffId }) => scannerProperties({ DiffID: diffId })),
      ...scannerProperties({
        ImageID: subject.imageId,
        RepoDigest: purl?.includes('repository_url') ? `${repository}@${subject.digest}` : undefined,
        SchemaVersion: '2',
      }),
    ],
  };
}

function systemComponent({ distribution }: Inventory): object {
  return {
    'bom-ref': system,
    type: 'operating-system',
    name: toFamily(distribution?.id ?? ''),
    ...(distribution?.versionId !== undefined && { version: distribution.versionId }),
    ...(distribution?.name !== undefined && { description: distribution.name }),
    properties: [
      ...scannerProperties({ Class: 'os-pkgs', Type: toFamily(distribution?.id ?? '') }),
      // Syft and Grype look here for the ID of os-release.
      { name: 'syft:distro:id', value: distribution?.id },
    ],
  };
}

function toComponent(found: Package, subject: InventorySubject): object {
  const { namespace, supplier, licenses = [] } = found;
  return {
    'bom-ref': packageId(found),
    type: 'library',
    ...(supplier !== undefined && { supplier: { name: supplier } }),
    ...(namespace !== undefined && { group: namespace }),
    name: found.name,
    ...(found.version !== '' && { version: found.version }),
    ...(licenses.length > 0 && { licenses: toLicences(licenses) }),
    purl: found.purl,
    evidence: { occurrences: [{ location: found.path }] },
    properties: [
      { name: `${extrasMark}package`, value: formatPackageExtras(found) },
      ...packageProperties(found, subject),
    ],
  };
}

/** One expression, or a list of names: the format forbids to mix them. */
function toLicences(licences: readonly string[]): object[] {
  const [only] = licences;
  if (licences.length === 1 && only !== undefined && isExpression(only)) return [{ expression: only }];
  return licences.map(name => ({ license: { name } }));
}

function packageProperties(found: Package, subject: InventorySubject): Property[] {
  const { name, version, type, path, module } = found;
  const layer = found.layer === undefined ? undefined : subject.layers[found.layer.index];
  const isSystem = isSystemPackage(found);
  const source = isSystem ? splitVersion(found.source?.version ?? version, type) : undefined;
  return scannerProperties({
    PkgID: `${name}@${version}`,
    PkgType: pkgTypes[type],
    SrcName: isSystem ? (found.source?.name ?? name) : undefined,
    SrcVersion: source?.version,
    SrcRelease: source?.release,
    SrcEpoch: source?.epoch,
    Modularitylabel: module,
    FilePath: isSystem ? undefined : path,
    LayerDigest: layer?.digest,
    LayerDiffID: layer?.diffId,
  });
}

/** Language packages as scanners name them; those of the system are named after the distribution by the scanner itself. */
const pkgTypes: Readonly<Record<Package['type'], string | undefined>> = {
  deb: undefined,
  apk: undefined,
  rpm: undefined,
  npm: 'node-pkg',
  pypi: 'python-pkg',
  golang: 'gobinary',
  maven: 'jar',
  gem: 'gemspec',
};

interface SplitVersion {
  readonly epoch?: string;
  readonly version: string;
  readonly release?: string;
}

/** Epoch, version and release apart, as the databases of deb and rpm mean them. */
function splitVersion(text: string, type: Package['type']): SplitVersion {
  if (type === 'apk') return { version: text };
  const [, epoch, rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(text) ?? [];
  const hyphen = rest.lastIndexOf('-');
  return {
    version: hyphen === -1 ? rest : rest.slice(0, hyphen),
    ...(epoch !== undefined && { epoch }),
    ...(hyphen !== -1 && { release: rest.slice(hyphen + 1) }),
  };
}

function dependenciesOf({ distribution, packages }: Inventory): object[] {
  const isBelowSystem = (found: Package): boolean => distribution !== undefined && isSystemPackage(found);
  const ids = (list: readonly Package[]): string[] => list.map(packageId);
  const own = packages.filter(found => !isBelowSystem(found));
  return [
    { ref: root, dependsOn: [...(distribution === undefined ? [] : [system]), ...ids(own)] },
    ...(distribution === undefined ? [] : [{ ref: system, dependsOn: ids(packages.filter(isBelowSystem)) }]),
  ];
}

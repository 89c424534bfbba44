import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReferenceSchema } from '../../../../test/reference-schemas.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Inventory, Package } from '../../../model/inventory.ts';
import { packageUrlOf } from '../../../model/package-url.ts';
import { readSbom } from './read-sbom.ts';
import { writeCycloneDx } from './write-cyclonedx.ts';
import { writeSpdx } from './write-spdx.ts';

const distribution = { id: 'debian', versionId: '12', name: 'Debian GNU/Linux 12', codename: 'bookworm' };
const diffId = `sha256:${'1'.repeat(64)}`;

function packageOf(found: Omit<Package, 'purl' | 'foundBy' | 'path'> & { path?: string }): Package {
  return { path: 'somewhere', foundBy: 'test', purl: packageUrlOf(found, distribution), ...found };
}

const inventory: Inventory = {
  subject: {
    name: `127.0.0.1:5000/shop/web@sha256:${'a'.repeat(64)}`,
    digest: `sha256:${'a'.repeat(64)}`,
    imageId: `sha256:${'b'.repeat(64)}`,
    platform: 'linux/amd64',
    created: '2026-01-02T03:04:05.678Z',
    layers: [{ diffId, digest: `sha256:${'2'.repeat(64)}`, inherited: true }],
  },
  distribution,
  packages: [
    packageOf({
      type: 'deb',
      name: 'libstdc++6',
      version: '1:12.2.0-14',
      arch: 'amd64',
      source: { name: 'gcc-12', version: '12.2.0-14' },
      licenses: ['GPL-3.0-only AND MIT', 'custom & odd'],
      supplier: 'Debian GCC Maintainers <gcc@example.org>',
      layer: { index: 0, diffId, inherited: true },
    }),
    packageOf({ type: 'golang', namespace: 'github.com/shop', name: 'web', version: '' }),
    packageOf({ type: 'maven', namespace: 'org.x', name: 'y', version: '1.0', path: 'a.jar!/b/y.jar' }),
    packageOf({
      type: 'npm',
      namespace: '@s',
      name: 'p',
      version: '1.0.0',
      licenses: ['MIT'],
      ownedBy: 'deb|x|1',
    }),
    packageOf({ type: 'pypi', name: 'é"\\ ok', version: '1!2.0+local', licenses: ['MIT'] }),
    packageOf({ type: 'rpm', name: 'r', version: '2:1-1', module: 'm:1:2' }),
  ],
  cataloguers: ['dpkg'],
  problems: [{ cataloguer: 'java', path: 'x.jar', message: 'no zip' }],
};

const bytesOf = (text: string): Buffer => Buffer.from(text);

describe.each([
  ['SPDX', writeSpdx],
  ['CycloneDX', writeCycloneDx],
] as const)('%s', (_name, write) => {
  it('reads back as what it was written from', () => {
    expect(readSbom(bytesOf(write(inventory, { version: '1.2.3' })), 'x')).toEqual(inventory);
  });

  it('is the same for equal inventories, and names another for other packages', () => {
    expect(write(structuredClone(inventory))).toBe(write(inventory));
    const other = { ...inventory, packages: inventory.packages.slice(1) };
    const idOf = (text: string): unknown =>
      JSON.parse(text).documentNamespace ?? JSON.parse(text).serialNumber;
    expect(idOf(write(other))).not.toBe(idOf(write(inventory)));
  });

  it('carries the time of the image and no other', () => {
    expect(write(inventory)).toContain('"2026-01-02T03:04:05Z"');
    const { created: _created, ...subject } = inventory.subject;
    expect(write({ ...inventory, subject })).toContain('"1970-01-01T00:00:00Z"');
  });

  it('tells other tools enough without what only we write', () => {
    const foreign = write(inventory).replaceAll('cascadeguard:', 'unknown:');
    const read = readSbom(bytesOf(foreign), 'x');
    expect(read.distribution).toEqual({ id: 'debian', versionId: '12' });
    expect(
      read.packages.map(({ type, namespace, name, version, source }) => ({
        type,
        namespace,
        name,
        version,
        source,
      })),
    ).toEqual(
      inventory.packages.map(({ type, namespace, name, version, source }) => ({
        type,
        namespace,
        name,
        version,
        source,
      })),
    );
    expect(read.subject.digest).toBe(inventory.subject.digest);
  });

  it('gives nothing but faults for whatever is in it', () => {
    const base = write(inventory);
    fc.assert(
      fc.property(fc.nat(base.length - 1), fc.nat(60), fc.string({ maxLength: 8 }), (at, cut, put) => {
        const text = base.slice(0, at) + put + base.slice(at + cut);
        try {
          readSbom(bytesOf(text), 'x');
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

const spdx = readReferenceSchema('spdx-2.3');
const cyclonedx = ['cyclonedx-1.6', 'cyclonedx-spdx-licences', 'jsf-0.82'].map(readReferenceSchema);

describe('official schemas', () => {
  const variants: [string, Inventory][] = [
    ['everything', inventory],
    ['nothing', { ...inventory, packages: [], problems: [] }],
    ['a folder', { subject: { name: 'dir:.', layers: [] }, packages: [], cataloguers: [], problems: [] }],
  ];

  it.skipIf(spdx === undefined).each(variants)('SPDX 2.3 accepts %s [needs schemas]', (_what, one) => {
    const validate = addFormats.default(new Ajv({ strict: false, allErrors: true })).compile(spdx as object);
    expect(validate(JSON.parse(writeSpdx(one))) ? [] : validate.errors).toEqual([]);
  });

  it.skipIf(cyclonedx.includes(undefined)).each(variants)(
    'CycloneDX 1.6 accepts %s [needs schemas]',
    (_what, one) => {
      const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true, validateFormats: false }));
      const [main, ...parts] = cyclonedx as object[];
      for (const part of parts) ajv.addSchema(part);
      const validate = ajv.compile(main as object);
      expect(validate(JSON.parse(writeCycloneDx(one))) ? [] : validate.errors).toEqual([]);
    },
  );

  it('SPDX identifiers have letters, digits, dots and hyphens only', () => {
    const ids = [...writeSpdx(inventory).matchAll(/"SPDXID": "SPDXRef-([^"]*)"/g)].map(
      match => match[1] ?? '',
    );
    expect(ids.filter(id => !/^[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('documents of others', () => {
  const read = (document: object): Inventory => readSbom(bytesOf(JSON.stringify(document)), 'sbom.json');

  it('are refused by name when they are none', () => {
    for (const text of [
      '',
      '[]',
      '{}',
      '{"spdxVersion":"SPDX-3.0"}',
      '{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}',
    ])
      expect(() => readSbom(bytesOf(text), 'sbom.json')).toThrow(
        expect.objectContaining({ code: 'SBOM_INVALID' }),
      );
  });

  it("gives Syft's artifacts, with the distribution and the layer", () => {
    const found = read({
      artifacts: [
        {
          name: 'a',
          version: '1',
          purl: 'pkg:deb/debian/a@1?arch=amd64&distro=debian-12&upstream=b%402',
          foundBy: 'dpkg-db-cataloger',
          locations: [{ path: '/var/lib/dpkg/status', layerID: diffId }],
          licenses: [{ value: 'MIT' }],
        },
        { name: 'c', version: '1', purl: '' },
        { name: 'd', version: '1', purl: 'pkg:cargo/d@1' },
      ],
      distro: { id: 'debian', versionID: '12' },
      source: { metadata: { userInput: 'x:1', imageID: diffId, layers: [{ digest: diffId }] } },
      descriptor: { name: 'syft' },
    });
    expect(found.packages).toEqual([
      expect.objectContaining({
        name: 'a',
        source: { name: 'b', version: '2' },
        path: 'var/lib/dpkg/status',
        layer: { index: 0, diffId, inherited: false },
      }),
    ]);
    expect(found.problems.map(({ message }) => message)).toEqual([
      '1 package of the type cargo cannot be listed',
      '1 package without a package URL cannot be listed',
    ]);
  });

  it("gives Trivy's sources and modules", () => {
    const found = read({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      components: [
        { type: 'operating-system', name: 'redhat', version: '9.4' },
        {
          type: 'library',
          name: 'a',
          purl: 'pkg:rpm/redhat/a@1-1?arch=x86_64&epoch=2',
          properties: [
            ['SrcName', 'src'],
            ['SrcVersion', '1'],
            ['SrcRelease', '1'],
            ['Modularitylabel', 'm:1'],
          ].map(([name, value]) => ({ name: `aquasecurity:trivy:${name}`, value })),
        },
      ],
    });
    expect(found.packages).toMatchObject([
      { version: '2:1-1', source: { name: 'src', version: '1-1' }, module: 'm:1' },
    ]);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  alpineInstalled,
  debianStatus,
  gemspec,
  jarOf,
  layered,
  osReleaseOf,
  packageJson,
  pythonMetadata,
  rpmDatabase,
  rpmHeader,
} from '../../../test/contents.ts';
import { pushImage, type TestImage } from '../../../test/images.ts';
import { type TarFile, tarOf, zstdOf } from '../../../test/tar.ts';
import type { Digest } from '../../model/digest.ts';
import type { Inventory } from '../../model/inventory.ts';
import { LayoutRegistry } from '../oci/layout/layout.ts';
import type { Registry } from '../oci/registry.ts';
import { type CatalogueImageOptions, catalogueImage, readDiffIds } from './catalogue-image.ts';

let folder: string;
let registry: Registry;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-catalogue-'));
  registry = new LayoutRegistry(join(folder, 'layout'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function catalogue(image: TestImage, o: CatalogueImageOptions = {}): Promise<Inventory> {
  return await catalogueImage(registry, { digest: await pushImage(registry, image) }, o);
}

async function contentsOf(layers: readonly (readonly TarFile[])[]): Promise<Inventory> {
  return await catalogue(layered(layers.map(tarOf)));
}

const keysOf = ({ packages }: Inventory): string[] =>
  packages.map(
    ({ type, namespace, name, version }) => `${type} ${namespace ? `${namespace}/` : ''}${name} ${version}`,
  );

const debian: TarFile[] = [
  { name: './', type: '5' },
  { name: './etc/os-release', type: '2', link: '../usr/lib/os-release' },
  { name: './usr/lib/os-release', content: osReleaseOf('debian', '12') },
  {
    name: './var/lib/dpkg/status',
    content: debianStatus(['libssl3', '3.0.11-1', 'Source: openssl (3.0.11-2)\n'], ['bash', '5.2-1']),
  },
];

describe('what is found in an image', () => {
  it('has packages of every kind, each with its package URL', async () => {
    const found = await contentsOf([
      debian,
      [
        { name: 'app/node_modules/@scope/a/package.json', content: packageJson('@scope/a', '1.0.0') },
        { name: 'app/node_modules/@scope/a/test/package.json', content: packageJson('fixture', '9.9.9') },
        { name: 'usr/lib/python3/x.dist-info/METADATA', content: pythonMetadata('Zope.Interface', '5.0') },
        {
          name: 'app/war.war',
          content: jarOf('org.shop', 'war', '1', { 'WEB-INF/lib/in.jar': jarOf('org.in', 'in', '2.0') }),
        },
        { name: 'usr/gems/specifications/rake-13.0.6.gemspec', content: gemspec('rake', '13.0.6') },
      ],
    ]);
    expect(found.problems).toEqual([]);
    expect(found.packages.map(({ purl, path }) => `${purl} ${path}`)).toEqual([
      'pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12 var/lib/dpkg/status',
      'pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-2 var/lib/dpkg/status',
      'pkg:gem/rake@13.0.6 usr/gems/specifications/rake-13.0.6.gemspec',
      'pkg:maven/org.in/in@2.0 app/war.war!/WEB-INF/lib/in.jar',
      'pkg:maven/org.shop/war@1 app/war.war',
      'pkg:npm/%40scope/a@1.0.0 app/node_modules/@scope/a/package.json',
      'pkg:pypi/zope-interface@5.0 usr/lib/python3/x.dist-info/METADATA',
    ]);
    expect(found.distribution).toEqual({ id: 'debian', versionId: '12', name: 'debian 12' });
  });

  it('reads Alpine with its stream, and the packages of distroless images one file each', async () => {
    const alpine = await contentsOf([
      [
        { name: 'etc/os-release', content: osReleaseOf('alpine', '3.20.1') },
        { name: 'etc/apk/repositories', content: 'https://cdn.example/alpine/v3.20/main\n#/edge/\n' },
        {
          name: 'lib/apk/db/installed',
          content: alpineInstalled(['musl', '1.2.5-r0'], ['ssl', '3-r1', 'o:openssl\n']),
        },
      ],
    ]);
    expect(alpine.distribution).toMatchObject({ id: 'alpine', stream: 'v3.20' });
    expect(alpine.packages.map(({ purl }) => purl)).toEqual([
      'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1',
      'pkg:apk/alpine/ssl@3-r1?arch=x86_64&distro=alpine-3.20.1&upstream=openssl',
    ]);
    const distroless = await contentsOf([
      [
        {
          name: 'var/lib/dpkg/status.d/tzdata',
          content: 'Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n',
        },
      ],
    ]);
    expect(keysOf(distroless)).toEqual(['deb tzdata 2024a-0']);
  });

  const header = (name: string, more: object = {}): Buffer =>
    rpmHeader({
      1000: name,
      1001: '1.2',
      1002: '3.el9',
      1022: 'x86_64',
      1044: `${name}-src-1.2-3.el9.src.rpm`,
      ...more,
    });
  const database = rpmDatabase([
    header('gpg-pubkey'),
    ...Array.from({ length: 400 }, (_, at) => header(`p${at}`, { 1003: at % 2, 5096: 'nodejs:18:1:2' })),
    header('big', {
      1014: 'MIT',
      1117: ['x.py', 'METADATA'],
      1116: [0, 1],
      1118: ['/usr/', '/usr/x.dist-info/'],
      1005: 'y'.repeat(50_000),
    }),
  ]);
  it.skipIf(database === undefined)(
    'reads the RPM database in SQLite, long rows and all [needs python3]',
    async () => {
      const found = await contentsOf([
        [
          { name: 'etc/os-release', content: osReleaseOf('rhel', '9.4') },
          { name: 'usr/lib/sysimage/rpm/rpmdb.sqlite', content: database ?? '' },
          { name: 'var/lib/rpm', type: '2', link: '../../usr/lib/sysimage/rpm' },
          { name: 'usr/x.dist-info/METADATA', content: pythonMetadata('x', '1') },
        ],
      ]);
      expect(found.problems).toEqual([]);
      expect(found.packages).toHaveLength(402);
      expect(found.packages.find(({ name }) => name === 'p1')).toMatchObject({
        version: '1:1.2-3.el9',
        purl: 'pkg:rpm/redhat/p1@1.2-3.el9?arch=x86_64&distro=rhel-9.4&epoch=1&rpmmod=nodejs:18:1:2&upstream=p1-src-1.2-3.el9.src.rpm',
        source: { name: 'p1-src', version: '1.2-3.el9' },
      });
      expect(found.packages.find(({ type }) => type === 'pypi')?.ownedBy).toBe('rpm|big|1.2-3.el9');
    },
  );

  it('says who owns a file of the distribution', async () => {
    const found = await contentsOf([
      [
        { name: 'var/lib/dpkg/status', content: debianStatus(['python3-x', '1-1']) },
        { name: 'var/lib/dpkg/info/python3-x.list', content: '/.\n/usr/lib/x.dist-info/METADATA\n' },
        { name: 'usr/lib/x.dist-info/METADATA', content: pythonMetadata('x', '1') },
        { name: 'opt/y.dist-info/METADATA', content: pythonMetadata('y', '1') },
      ],
    ]);
    expect(found.packages.map(({ name, ownedBy }) => [name, ownedBy])).toEqual([
      ['python3-x', undefined],
      ['x', 'deb|python3-x|1-1'],
      ['y', undefined],
    ]);
  });

  it('names what it cannot read, and lists the rest', async () => {
    const found = await contentsOf([
      [
        ...debian,
        { name: 'var/lib/rpm/rpmdb.sqlite-wal', content: 'new' },
        { name: 'a/node_modules/b/package.json', content: '{' },
        { name: 'x.jar', content: 'no zip' },
        { name: '../../etc/passwd', content: 'x' },
        { name: 'chroot/var/lib/dpkg/status', content: debianStatus(['other', '1']) },
      ],
    ]);
    expect(found.problems.map(({ path, cataloguer }) => `${cataloguer} ${path}`)).toEqual([
      'layer ../../etc/passwd',
      'npm a/node_modules/b/package.json',
      'dpkg chroot/var/lib/dpkg/status',
      'rpm var/lib/rpm/rpmdb.sqlite-wal',
      'java x.jar',
    ]);
    expect(found.packages).toHaveLength(2);
  });

  it('forgets a problem with the file that had it', async () => {
    const found = await contentsOf([[{ name: 'x.jar', content: 'no zip' }], [{ name: '.wh.x.jar' }]]);
    expect(found.problems).toEqual([]);
  });
});

describe('the layer of a package', () => {
  const upgraded = [
    debian,
    [
      {
        name: 'var/lib/dpkg/status',
        content: debianStatus(['libssl3', '3.0.12-1'], ['bash', '5.2-1'], ['new', '1']),
      },
    ],
  ];

  it('is the first that has it in this version', async () => {
    const { packages } = await contentsOf(upgraded);
    expect(packages.map(({ name, layer }) => [name, layer?.index])).toEqual([
      ['bash', 0],
      ['libssl3', 1],
      ['new', 1],
    ]);
  });

  it('is inherited when it is one of the base image', async () => {
    const base = await pushImage(registry, layered([tarOf(debian)]));
    const { packages, subject } = await catalogue(layered(upgraded.map(tarOf)), {
      bases: [await readDiffIds(registry, { digest: base }), ['sha256:other']],
    });
    expect(subject.layers.map(({ inherited }) => inherited)).toEqual([true, false]);
    expect(packages.map(({ name, layer }) => [name, layer?.inherited])).toEqual([
      ['bash', true],
      ['libssl3', false],
      ['new', false],
    ]);
  });
});

describe('reading layers', () => {
  it('takes gzip, zstd and none for the same', async () => {
    const tar = tarOf(debian);
    const plain = await catalogue(layered([tar], { pack: bytes => bytes }));
    const gzip = await catalogue(layered([tar]));
    const zstd = await catalogue(layered([tar], { pack: zstdOf }));
    expect(keysOf(plain)).toHaveLength(2);
    expect([gzip.packages, zstd.packages]).toEqual([plain.packages, plain.packages]);
  });

  it('refuses a layer that is not the one of its diffID', async () => {
    const other: Digest = `sha256:${'a'.repeat(64)}`;
    await expect(catalogue(layered([tarOf(debian)], { diffIds: [other] }))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    await expect(catalogue(layered([tarOf(debian)], { diffIds: [] }))).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
    });
  });

  it('refuses what is cut short, and what is no tar', async () => {
    const tar = tarOf(debian);
    for (const bytes of [tar.subarray(0, 700), Buffer.alloc(2048, 1)]) {
      await expect(catalogue(layered([bytes]))).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
    }
    await expect(
      catalogue(layered([tar], { pack: bytes => Buffer.concat([Buffer.from([0x1f, 0x8b]), bytes]) })),
    ).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  it('reads no layer again that is in the cache, and gives the same', async () => {
    const cacheFolder = join(folder, 'cache');
    const image = layered([tarOf([...debian, { name: 'cached', content: 'x' }])]);
    const first = await catalogue(image, { cacheFolder });
    const [, layer] = image.blobs;
    const asked: string[] = [];
    const watched: Registry = Object.create(registry, {
      blob: {
        value: (...[descriptor, o]: Parameters<Registry['blob']>) => {
          asked.push(descriptor.digest);
          return registry.blob(descriptor, o);
        },
      },
      place: { value: registry.place },
      manifest: { value: registry.manifest.bind(registry) },
    });
    const again = await catalogueImage(watched, image.manifest.descriptor, { cacheFolder });
    expect(again).toEqual(first);
    expect(asked).not.toContain(layer?.descriptor.digest);
  });
});

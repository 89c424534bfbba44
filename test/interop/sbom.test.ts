import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LayoutRegistry } from '../../src/image/oci/layout/layout.ts';
import { catalogueImage } from '../../src/image/sbom/catalogue-image.ts';
import { readSbom } from '../../src/image/sbom/formats/read-sbom.ts';
import { writeCycloneDx } from '../../src/image/sbom/formats/write-cyclonedx.ts';
import { writeSpdx } from '../../src/image/sbom/formats/write-spdx.ts';
import { type Inventory, packageKey } from '../../src/model/inventory.ts';
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
} from '../contents.ts';
import { pushImage } from '../images.ts';
import { findPeer } from '../peers.ts';
import { type TarFile, tarOf } from '../tar.ts';

const syft = findPeer('syft');
const trivy = findPeer('trivy');
const program = findPeer('oras') ?? findPeer('crane');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-sbom-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rpms = rpmDatabase([
  rpmHeader({ 1000: 'gpg-pubkey', 1001: '1', 1002: '1' }),
  ...[0, 1, 2].map(epoch =>
    rpmHeader({
      1000: `lib-${epoch}`,
      1001: '1.2',
      1002: '3.el9',
      ...(epoch > 0 && { 1003: epoch }),
      1011: 'Red Hat, Inc.',
      1014: 'MIT',
      1022: 'x86_64',
      1044: 'lib-src-1.2-3.el9.src.rpm',
    }),
  ),
]);

const application = (): TarFile[] => [
  { name: 'app/node_modules/@s/a/package.json', content: packageJson('@s/a', '1.0.0') },
  { name: 'app/node_modules/b/package.json', content: packageJson('b', '2.0.0-rc.1') },
  { name: 'usr/lib/python3/dist-packages/x_y.dist-info/METADATA', content: pythonMetadata('X_y', '5.0') },
  { name: 'usr/lib/python3/dist-packages/x_y.dist-info/RECORD', content: 'x_y/__init__.py,,\n' },
  { name: 'usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec', content: gemspec('rake', '13.0.6') },
  {
    name: 'app/shop.war',
    content: jarOf('org.shop', 'shop', '1.0', {
      'WEB-INF/lib/in-2.0.jar': jarOf('org.in', 'in', '2.0', {
        'deep-3.jar': jarOf('org.deep', 'deep', '3'),
      }),
    }),
  },
  ...(program === undefined
    ? []
    : [{ name: 'usr/local/bin/tool', mode: 0o755, content: readFileSync(program) }]),
];

const systems: readonly [string, TarFile[] | undefined][] = [
  [
    'Debian',
    [
      { name: 'etc/os-release', content: osReleaseOf('debian', '12') },
      {
        name: 'var/lib/dpkg/status',
        content: debianStatus(
          ['libssl3', '3.0.11-1~deb12u2', 'Source: openssl\n'],
          ['libgcc-s1', '1:12.2.0-14', 'Source: gcc-12 (12.2.0-14)\n'],
          ['bash', '5.2.15-2+b2', 'Source: bash (5.2.15-2)\n'],
        ),
      },
    ],
  ],
  [
    'Alpine',
    [
      { name: 'etc/os-release', content: osReleaseOf('alpine', '3.20.3') },
      {
        name: 'lib/apk/db/installed',
        content: alpineInstalled(['musl', '1.2.5-r0', 'o:musl\n'], ['libssl3', '3.3.2-r0', 'o:openssl\n']),
      },
    ],
  ],
  [
    'Red Hat',
    rpms && [
      { name: 'etc/os-release', content: osReleaseOf('rhel', '9.4') },
      { name: 'var/lib/rpm/rpmdb.sqlite', content: rpms },
    ],
  ],
];

async function build(
  name: string,
  system: readonly TarFile[],
): Promise<{ layout: string; found: Inventory }> {
  const layout = join(folder, name.replace(' ', '-'));
  const registry = new LayoutRegistry(layout);
  const extra = [{ name: 'app/.wh.gone' }, ...application()];
  const gone = { name: 'app/gone/node_modules/g/package.json', content: packageJson('g', '1.0.0') };
  const image = layered([tarOf([...system, gone]), tarOf(extra)]);
  const digest = await pushImage(registry, image, 'latest');
  return { layout, found: await catalogueImage(registry, { digest }) };
}

const keysOf = ({ packages }: Inventory): string[] => [...new Set(packages.map(packageKey))].sort();

describe.each(systems)('%s', (name, system) => {
  it.skipIf(syft === undefined || system === undefined)(
    'Syft finds the same packages in the same image [needs syft]',
    async () => {
      const { layout, found } = await build(name, system ?? []);
      const { stdout, stderr } = spawnSync(syft ?? '', ['scan', `oci-dir:${layout}`, '-o', 'json', '-q'], {
        env: { ...process.env, SYFT_CHECK_FOR_APP_UPDATE: 'false' },
        maxBuffer: 256 * 1024 * 1024,
        timeout: 60_000,
      });
      const theirs = readSbom(stdout, stderr.toString('utf8'));
      // A key that rpm keeps among its packages is none.
      expect(keysOf(found)).toEqual(keysOf(theirs).filter(key => !key.startsWith('rpm|gpg-pubkey|')));
      expect(found.packages.length).toBeGreaterThan(8);
      expect(found.problems).toEqual([]);
      expect(theirs.distribution).toMatchObject({
        id: found.distribution?.id,
        versionId: found.distribution?.versionId,
      });
      const sourcesOf = (one: Inventory): unknown[] => one.packages.map(({ source }) => source?.name);
      expect(sourcesOf(found).filter(Boolean)).toEqual(sourcesOf(theirs).filter(Boolean));
    },
    90_000,
  );

  it.skipIf(trivy === undefined || system === undefined).each([
    ['CycloneDX', writeCycloneDx],
    ['SPDX', writeSpdx],
  ] as const)(
    'Trivy reads every package out of our %s [needs trivy]',
    async (format, write) => {
      const { found } = await build(`${name} ${format}`, system ?? []);
      const file = join(folder, `${name}-${format}.json`);
      writeFileSync(file, write(found));
      const words = ['sbom', '--cache-dir', join(folder, 'trivy'), '--offline-scan', '--skip-version-check'];
      const { stdout, stderr } = spawnSync(
        trivy ?? '',
        [...words, '--list-all-pkgs', '--format', 'json', '--scanners', 'license', '--quiet', file],
        { maxBuffer: 256 * 1024 * 1024, timeout: 60_000 },
      );
      const { Metadata, Results } = JSON.parse(stdout.toString('utf8') || `"${String(stderr)}"`) as {
        Metadata: { OS: unknown };
        Results: { Class: string; Packages?: { Name: string; Identifier: { PURL: string } }[] }[];
      };
      const ids: Record<string, string> = { rhel: 'redhat' };
      const id = found.distribution?.id ?? '';
      expect(Metadata.OS).toMatchObject({ Family: ids[id] ?? id, Name: found.distribution?.versionId });
      const read = Results.flatMap(({ Packages = [] }) => Packages.map(({ Identifier }) => Identifier.PURL));
      expect(new Set(read).size).toBe(new Set(found.packages.map(({ purl }) => purl)).size);
      const inSystem = Results.find(({ Class }) => Class === 'os-pkgs')?.Packages ?? [];
      const ours = found.packages.filter(({ type }) => type === 'deb' || type === 'apk' || type === 'rpm');
      expect(inSystem.map(({ Name }) => Name).sort()).toEqual(ours.map(({ name }) => name).sort());
    },
    90_000,
  );
});

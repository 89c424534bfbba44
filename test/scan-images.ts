import type { Registry } from '../src/image/oci/registry.ts';
import type { Digest } from '../src/model/digest.ts';
import { alpineInstalled, debianStatus, osReleaseOf, packageJson } from './contents.ts';
import { imageOf, pushImage } from './images.ts';
import { type TarFile, tarOf } from './tar.ts';

/** Packages of the two systems, with what the advisories of the tests say of them. */
export const flawed = {
  openssl: ['libssl3', '3.0.11-1~deb12u1', 'Source: openssl\n'],
  zlib: ['zlib1g', '1:1.2.13.dfsg-1', 'Source: zlib\n'],
  bash: ['bash', '5.2.15-2+b2'],
} as const;

export function debianFiles(...packages: readonly (readonly [string, string, string?])[]): TarFile[] {
  const installed = packages.map(
    ([name, version, extra = '']) => [name, version, extra] as [string, string, string],
  );
  return [
    { name: 'etc/os-release', content: osReleaseOf('debian', '12') },
    { name: 'etc/debian_version', content: '12.11\n' },
    { name: 'var/lib/dpkg/status', content: debianStatus(...installed) },
  ];
}

export function alpineFiles(...packages: readonly (readonly [string, string, string?])[]): TarFile[] {
  const installed = packages.map(
    ([name, version, extra = '']) => [name, version, extra] as [string, string, string],
  );
  return [
    { name: 'etc/os-release', content: osReleaseOf('alpine', '3.20.3') },
    { name: 'etc/alpine-release', content: '3.20.3\n' },
    { name: 'lib/apk/db/installed', content: alpineInstalled(...installed) },
  ];
}

export function npmFiles(name: string, version: string): TarFile[] {
  return [{ name: `app/node_modules/${name}/package.json`, content: packageJson(name, version) }];
}

/** An image of these layers in a registry. */
export async function pushLayers(
  registry: Registry,
  tag: string,
  ...layers: readonly (readonly TarFile[])[]
): Promise<Digest> {
  return await pushImage(
    registry,
    imageOf(
      tag,
      layers.map(files => tarOf(files)),
    ),
    tag,
  );
}
